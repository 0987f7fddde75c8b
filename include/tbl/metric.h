/* One row a metric: name, type, help. The names follow Prometheus' conventions. */
METRIC(pickupd_webhooks_total, counter,
       "Webhooks by source and what became of them; a batch counts its rows.")
METRIC(pickupd_secret_last_match_timestamp_seconds, gauge,
       "When a secret last proved a webhook, in seconds since 1970; 0 if it never has.")
#undef METRIC
