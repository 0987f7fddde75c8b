/*
 * One row a subcommand: name (of cmd_NAME), its forms with '|' between them, a line of help, an example.
 * Every form also takes -c FILE.
 */
COMMAND(serve, "[--log-level LEVEL] [--log-format FORMAT]",
        "Receive webhooks until SIGTERM or SIGINT. --log-level (debug, info, warn or error) and --log-format"
        " (json or text) go before what the configuration says.",
        "pickupd serve -c /etc/pickupd/pickupd.ini")
COMMAND(check, "|DEFINITION.json ...|--keys",
        "Check the configuration and the definitions with their examples, or some definitions alone, and list"
        " the sources. --keys lists every config key.",
        "pickupd check -c /etc/pickupd/pickupd.ini")
COMMAND(sign, "SOURCE < BODY", "Print the headers that prove a body comes from a source, one a line.",
        "curl -H @<(pickupd sign dentrix < body.json) -H Content-Type:application/json"
        " --data-binary @body.json URL")
COMMAND(explain,
        "SOURCE --headers FILE --body FILE [--url URL] [--method METHOD] [--at TIME] [--show-phi]"
        "|--quarantine ID [--show-phi]",
        "Walk one captured request, or one in quarantine, through every step: where it stops, and what would"
        " make it pass.",
        "pickupd explain dentrix --headers headers.txt --body body.json")
COMMAND(events,
        "list [--source S] [--type T] [--since TIME] [--limit N] [--json] [--show-phi]"
        "|show ID [--json] [--show-phi]",
        "Look at stored events. Names, phones and notes are masked unless --show-phi.",
        "pickupd events list --source dentrix --since 2026-01-31T00:00:00Z")
COMMAND(quarantine,
        "list [--source S] [--json]|show ID [--json] [--show-phi]|retry ID|retry --all [--source S]",
        "Look at authentic webhooks that could not be mapped, and map them again.",
        "pickupd quarantine retry --all --source dentrix")
COMMAND(consumers,
        "list [--org ORG] [--json]|show NAME [--org ORG] [--json]"
        "|dead NAME [--org ORG] [--limit N] [--json] [--show-phi]|retry NAME ID [--org ORG]"
        "|retry NAME --all [--org ORG]|pause NAME [--org ORG]|resume NAME [--org ORG]"
        "|replay NAME --from SEQ [--org ORG]|delete NAME [--org ORG]",
        "Look at consumers and their dead letters, and do about them what the API does. SEQ may be start or"
        " now; ORG is default unless given. Errors are masked unless --show-phi.",
        "pickupd consumers retry billing --all")
COMMAND(
    clinics, "import FILE [--org ORG]",
    "Put the clinics of a file, a JSON list of them or a single one, in place of those of the same ids. ORG"
    " is default unless given. Each"
    " stands or falls alone.",
    "pickupd clinics import clinics.json")
COMMAND(audit, "list [--since TIME] [--who WHO] [--limit N] [--json]|verify [--head SEQ:MAC]",
        "Look at who changed what and who looked at patient data, and prove that all of it is there as it was"
        " written. A head is in the log, once an hour.",
        "pickupd audit verify --head 12:$MAC")
COMMAND(status, "[--json]",
        "Tell on one screen how everything is, first what needs attention. Exits 1 if something does.",
        "pickupd status")
COMMAND(limits, "clear", "Let everybody go on who is held back by a rate limit of the running server.",
        "pickupd limits clear")
COMMAND(backup, "FILE|--every DURATION [--keep N] DIRECTORY",
        "Copy the database while it is served: into a file, or again and again into a directory, where a copy"
        " holds what has changed since the one before it. --keep removes all but the newest N copies, and"
        " what they build on.",
        "pickupd backup /backup/pickupd.db")
COMMAND(restore, "[--check] FILE",
        "Put a backup in the database's place, and the database aside. No server may run. --check only finds"
        " out whether it could be.",
        "pickupd restore /backup/pickupd.db")
COMMAND(
    reseal, "",
    "Seal everything that may hold patient data with the first key of seal_key_file: what is in clear, and"
    " what another key has sealed. While a server runs, it does so while it serves.",
    "pickupd reseal")
COMMAND(version, "", "Print the version of pickupd and of what it stands on.", "pickupd version")
#undef COMMAND
