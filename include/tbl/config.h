/*
 * One row a config key: section, key, type, default, least, most, help.
 * The same row is parsed by, checked by, and printed by `pickupd check --keys`. The bounds are bytes of a
 * text, bytes of a size, seconds of a duration, or the number itself.
 */
KEY(server, listen, ADDRESS, "127.0.0.1:8080", 0, 0,
    "Where webhooks arrive: HOST:PORT, [V6]:PORT or unix:/PATH. Port 0 takes a free one.")
KEY(server, api_listen, ADDRESS, "127.0.0.1:8081", 0, 0,
    "Where the lab's own programs and probes ask: as listen.")
KEY(server, tls_cert, TEXT, "", 1, 4000,
    "PEM file of the certificate that listen presents, and of those between it and an authority. Unset: no "
    "TLS.")
KEY(server, tls_key, TEXT, "", 1, 4000, "PEM file of its private key.")
KEY(server, tls_client_ca, TEXT, "", 1, 4000,
    "PEM file of those who must vouch for a sender's certificate. Unset: none is asked for.")
KEY(server, api_tls_cert, TEXT, "", 1, 4000, "As tls_cert, for api_listen.")
KEY(server, api_tls_key, TEXT, "", 1, 4000, "As tls_key, for api_listen.")
KEY(server, api_tls_client_ca, TEXT, "", 1, 4000, "As tls_client_ca, for api_listen.")
KEY(server, log_level, LOG_LEVEL, "info", 0, 0,
    "What is said less loudly than this is not logged: debug, info, warn or error. --log-level goes before "
    "it.")
KEY(server, log_format, LOG_FORMAT, "json", 0, 0,
    "A line of the log: json, an object, or text, for a person. --log-format goes before it.")
KEY(server, database, TEXT, "/var/lib/pickupd/pickupd.db", 1, 99,
    "The SQLite file. The lock, the control socket and the reserve stand beside it.")
KEY(server, seal_key_file, TEXT, "", 1, 4000,
    "Keys that seal what may hold patient data, a line ID BASE64 each; the first seals, all unseal. Unset: "
    "it is"
    " kept in clear.")
KEY(server, audit_key_file, TEXT, "", 1, 4000,
    "The key that the audit is chained with, at least 32 bytes. Unset: beside the database, where it is "
    "made.")
KEY(server, user, TEXT, "", 1, 32,
    "Who serves, when root starts it; the database's directory is to be theirs. Unset: who starts it.")
KEY(server, disk_reserve, SIZE, "64MiB", 1048576, 1099511627776,
    "Room on the database's disk that webhooks leave; below it they are answered 503. Half of it is held.")
KEY(server, vendor_dir, TEXT, "/etc/pickupd/vendors", 1, 4000,
    "Where definitions of further vendors are, as VENDOR.json.")
KEY(server, loops, NUMBER, "0", 0, 64, "Threads that take webhooks; 0 is one for each core.")
KEY(server, max_body, SIZE, "1MiB", 1, 67108864, "Longest body of a webhook; a longer one is answered 413.")
KEY(server, max_connections, NUMBER, "10000", 1, 1000000,
    "Connections of senders at once; further ones wait to be accepted.")
KEY(server, address_connections, NUMBER, "0", 0, 1000000,
    "Connections at once from one client address; further ones are closed. 0 is no limit.")
KEY(server, body_bytes, SIZE, "256MiB", 1048576, 1099511627776,
    "Bytes of all requests that are read or not answered yet; beyond it they are answered 503.")
KEY(server, address_rate, NUMBER, "0", 0, 1000000,
    "Webhooks a second from one client address; beyond it they are answered 429. 0 is no limit.")
KEY(server, address_burst, NUMBER, "0", 0, 1000000,
    "How many of them may come at once; 0 is what a second allows.")
KEY(server, max_headers, SIZE, "16KiB", 1024, 1048576, "All headers of a request together.")
KEY(server, request_timeout, DURATION, "30s", 1, 3600,
    "From a request's first byte to its last, and the longest silence of a connection.")
KEY(server, queue_rows, NUMBER, "10000", 1, 1000000,
    "Webhooks that may wait for the disk; beyond it they are answered 503.")
KEY(server, queue_bytes, SIZE, "64MiB", 1, 1099511627776,
    "Bytes of the bodies that wait for the disk, and of what they become; beyond it they are answered 503.")
KEY(server, queue_wait, DURATION, "5s", 1, 3600,
    "How long the oldest may have waited for the disk; after it new ones are answered 503.")
KEY(server, quarantine_rows, NUMBER, "10000", 1, 1000000,
    "Webhooks kept in quarantine for each source; beyond it they are answered 503.")
KEY(server, quarantine_bytes, SIZE, "256MiB", 1, 1099511627776,
    "Bytes of bodies and heads kept in quarantine for each source; beyond it 503.")
KEY(server, trusted_proxies, NETWORKS, "", 0, 0,
    "Proxies whose X-Forwarded-For or Forwarded counts: addresses, networks or unix, with commas between.")
KEY(server, api_token_env, VARIABLE, "PICKUPD_API_TOKEN", 0, 0,
    "The environment variable that holds a token for the private API, of the role admin.")
KEY(server, api_token_file, TEXT, "", 1, 4000, "The file that holds it instead.")
KEY(server, retention_days, NUMBER, "0", 0, 36500,
    "Days after which what can hold patient data is purged; 0 keeps it for ever.")
KEY(server, flows, YES_NO, "yes", 0, 0, "no: the built-in flows leave all events to other consumers.")
KEY(server, notify_url, TEXT, "", 1, 180,
    "Where the dispatcher is told of what needs a look: http:// or https://.")
KEY(server, notify_secret_env, VARIABLE, "PICKUPD_NOTIFY_SECRET", 0, 0,
    "The environment variable that holds the secret these are signed with, as Standard Webhooks has it.")
KEY(server, notify_secret_file, TEXT, "", 1, 4000, "The file that holds it instead.")
KEY(server, notify_ca_file, TEXT, "", 1, 4000,
    "PEM file of those who may vouch for an https notify_url. Unset: those whom the system trusts.")
KEY(source, vendor, TEXT, "", 1, 64,
    "A built-in definition (dentrix, opendental, eaglesoft) or the name of a file in vendor_dir.")
KEY(source, enabled, YES_NO, "yes", 0, 0, "no: the source answers 404, as if it were not there.")
KEY(source, secret_env, VARIABLE, "", 0, 0, "The environment variable that holds the secret.")
KEY(source, secret_file, TEXT, "", 1, 4000,
    "The file that holds the secret; one newline at its end is not part of it.")
KEY(source, lab, TEXT, "LAB001", 1, 200, "The lab of a webhook that names none.")
KEY(source, timezone, TEXT, "", 1, 64,
    "IANA zone of times that carry none, such as America/New_York. Unset: such a time is a fault.")
KEY(source, org, TEXT, "default", 1, 64, "The organization its events belong to.")
KEY(source, id_prefix, TEXT, "", 1, 64,
    "Stands before the vendor's id, with a hyphen, in pickupId. Unset: the vendor's name.")
KEY(source, clinic_prefix, TEXT, "", 1, 64,
    "Stands before the vendor's practice id in clinicId. Unset: nothing.")
KEY(source, public_url, TEXT, "", 1, 180,
    "The URL the sender calls, for schemes that sign it. Never taken from the request.")
KEY(source, rate, NUMBER, "0", 0, 1000000,
    "Authentic webhooks a second; beyond it they are answered 429. 0 is no limit.")
KEY(source, burst, NUMBER, "0", 0, 1000000, "How many of them may come at once; 0 is what a second allows.")
KEY(source, tolerance, DURATION, "", 1, 31622400,
    "How far off a signed time may be. Unset: what the definition says.")
KEY(source, allow_from, NETWORKS, "", 0, 0,
    "Clients that may send: addresses, networks or unix, with commas between. Unset: any.")
KEY(secret, env, VARIABLE, "", 0, 0, "The environment variable that holds a further secret.")
KEY(secret, file, TEXT, "", 1, 4000, "The file that holds a further secret.")
KEY(secret, not_before, TIME, "", 0, 0, "The secret counts from this time, such as 2026-01-31T00:00:00Z.")
KEY(secret, not_after, TIME, "", 0, 0, "The secret no longer counts from this time.")
KEY(token, env, VARIABLE, "", 0, 0,
    "The environment variable that holds a further token for the private API.")
KEY(token, file, TEXT, "", 1, 4000, "The file that holds a further token.")
KEY(token, role, ROLE, "read", 0, 0,
    "read: may look; work: also claim, ack and report; publish: only publish events; admin: everything.")
KEY(token, org, TEXT, "default", 1, 64, "The organization it is for; nothing of another exists for it.")
KEY(token, sources, TEXT, "", 1, 180,
    "Envelope sources it may publish as, with commas between. Unset: any but our own.")
#undef KEY
