/* One row a metric: name, type, help. The names follow Prometheus' conventions. */
METRIC(pickupd_webhooks_total, counter,
       "Webhooks by source and what became of them; a batch counts its rows.")
METRIC(pickupd_webhook_refusals_total, counter, "Webhooks that were refused, by source and reason.")
METRIC(pickupd_unknown_source_requests_total, counter,
       "Requests for a source that is not there or is disabled, which were answered 404.")
METRIC(pickupd_signature_refusals_in_a_row, gauge,
       "Signatures of a source refused since it last proved a webhook; 0 if it never has.")
METRIC(pickupd_secret_last_match_timestamp_seconds, gauge,
       "When a secret last proved a webhook, in seconds since 1970; 0 if it never has.")
METRIC(pickupd_secret_expiry_timestamp_seconds, gauge,
       "When a secret of an enabled source ends, in seconds since 1970; +Inf if it does not.")
METRIC(pickupd_source_enabled, gauge, "0 if a source lacks what it needs, such as a secret, and answers 404.")
METRIC(pickupd_certificate_expiry_timestamp_seconds, gauge,
       "When the certificate of a face that speaks TLS ends, in seconds since 1970.")
METRIC(pickupd_tls_handshake_failures_total, counter, "TLS handshakes that failed, by face.")
METRIC(pickupd_connections, gauge, "Open connections, by face.")
METRIC(pickupd_connections_max, gauge, "Connections that a face may have at once.")
METRIC(pickupd_connections_filled_total, counter,
       "How often a loop of a face came to have as many connections as it may, so that others wait.")
METRIC(pickupd_connections_cut_off_total, counter, "Connections that were cut off, by face and reason.")
METRIC(pickupd_private_shed_total, counter, "Requests to the private face answered 503, by reason.")
METRIC(pickupd_webhook_answer_seconds, histogram,
       "Time from a whole request to the answer, by the class of its status.")
METRIC(pickupd_events_total, counter, "New events on disk, by type; types beyond the first few are other.")
METRIC(pickupd_commit_seconds, histogram, "Time of transactions that were kept, with their syncs.")
METRIC(pickupd_commit_jobs, histogram, "Jobs, such as webhooks, in one transaction that was kept.")
METRIC(pickupd_commit_failures_total, counter, "Transactions that the disk did not take.")
METRIC(pickupd_sync_seconds, histogram, "Time of syncs of the write-ahead log.")
METRIC(pickupd_sync_bytes, histogram, "Bytes written to the write-ahead log before each sync.")
METRIC(pickupd_checkpoint_seconds, histogram, "Time of moving the write-ahead log into the database.")
METRIC(pickupd_mailbox_depth, gauge, "What waits for a thread.")
METRIC(pickupd_queue_bytes, gauge, "Bytes of webhooks that are not committed yet.")
METRIC(pickupd_queue_oldest_seconds, gauge, "For how long the oldest job has waited for the disk.")
METRIC(pickupd_taking_webhooks, gauge, "1 if webhooks are taken just now, 0 if they are answered 503.")
METRIC(pickupd_store_looked, gauge,
       "1 if this page has what is read from the store and the system, 0 if not.")
METRIC(pickupd_store_bytes, gauge, "Size of the database file.")
METRIC(pickupd_store_log_bytes, gauge, "Size of the write-ahead log.")
METRIC(pickupd_disk_free_bytes, gauge, "What is free on the database's disk, without the reserve.")
METRIC(pickupd_disk_bytes, gauge, "Size of the database's disk.")
METRIC(pickupd_disk_reserve_bytes, gauge, "What webhooks must leave free, as configured.")
METRIC(pickupd_disk_reserve_held_bytes, gauge, "What is held in a file for that.")
METRIC(pickupd_last_event_seq, gauge, "Number of the newest event in the log.")
METRIC(pickupd_quarantine_webhooks, gauge, "Webhooks in quarantine, by source.")
METRIC(pickupd_quarantine_bytes, gauge, "Bytes of them.")
METRIC(pickupd_consumers, gauge, "Consumers there are; what follows tells of the first 200 by name.")
METRIC(pickupd_consumer_lag_events, gauge, "Events in the log behind a consumer's cursor, wanted or not.")
METRIC(pickupd_consumer_oldest_waiting_seconds, gauge,
       "Age of the oldest event that a consumer has not acked; 0 if there is none.")
METRIC(pickupd_consumer_open_claims, gauge, "Events in flight or to be tried again.")
METRIC(pickupd_consumer_dead_letters, gauge, "Events given up for a consumer.")
METRIC(pickupd_consumer_paused, gauge, "1 if a consumer is paused.")
METRIC(pickupd_consumer_last_seen_timestamp_seconds, gauge,
       "When a consumer was last heard of, in seconds since 1970.")
METRIC(pickupd_consumer_missed_events_total, counter, "Events purged before a consumer got them.")
METRIC(pickupd_notices_pending, gauge, "Notices to the dispatcher that are not sent yet.")
METRIC(pickupd_notices_dead, gauge, "Notices to the dispatcher of which every attempt has failed.")
METRIC(pickupd_build_info, gauge, "1; the labels tell which versions run.")
METRIC(process_cpu_seconds_total, counter, "Processor time of the program and the kernel for it.")
METRIC(process_resident_memory_bytes, gauge, "Memory that is in use.")
METRIC(process_virtual_memory_bytes, gauge, "Memory that is addressed.")
METRIC(process_open_fds, gauge, "Open descriptors.")
METRIC(process_max_fds, gauge, "Descriptors that may be open.")
METRIC(process_threads, gauge, "Threads.")
METRIC(process_start_time_seconds, gauge, "When the process began, in seconds since 1970.")
#undef METRIC
