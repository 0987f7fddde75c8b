/* One row a statement of the writer: name, SQL. */
SQL(BEGIN, "BEGIN IMMEDIATE")
SQL(COMMIT, "COMMIT")
SQL(ROLLBACK, "ROLLBACK")
SQL(SAVEPOINT, "SAVEPOINT job")
SQL(SAVEPOINT_UNDO, "ROLLBACK TO job")
SQL(SAVEPOINT_END, "RELEASE job")
SQL(EVENT_ADD, "INSERT INTO events (seq, id, origin, source, detail_type, org, time, detail, content)"
               " VALUES (?9, ?1, ?2, ?3, ?4, ?5, ?6, seal('events.detail', ?1, ?7),"
               " seal('events.content', ?1, ?8)) ON CONFLICT (id) DO NOTHING")
SQL(EVENT_CONTENT, "SELECT iif(length(content) = 32, content, unseal('events.content', id, content)) IS ?2"
                   " FROM events WHERE id = ?1")
SQL(QUARANTINE_FIND,
    "SELECT first_seen, length(body) - 45 * sealed"
    " + ifnull(length(CAST(head AS BLOB)) - 45 * (typeof(head) = 'blob'), 0) FROM quarantine WHERE id = ?1")
SQL(QUARANTINE_ADD,
    "INSERT INTO quarantine (id, origin, org, first_seen, last_seen, count, faults, body, head, sealed)"
    " VALUES (?1, ?2, ?3, ?4, ?4, 1, ?5, seal('quarantine.body', ?1, ?6), seal('quarantine.head', ?1, ?7),"
    " seals())")
SQL(QUARANTINE_REPEAT, "UPDATE quarantine SET count = count + 1, first_seen = min(first_seen, ?2),"
                       " last_seen = max(last_seen, ?2), faults ="
                       " iif(iif(sealed, unseal('quarantine.body', id, body), body) = ?4, ?3, faults)"
                       " WHERE id = ?1")
SQL(QUARANTINE_SINCE, "UPDATE quarantine SET first_seen = min(first_seen, ?2) WHERE id = ?1")
SQL(QUARANTINE_FAULTS, "UPDATE quarantine SET faults = ?2 WHERE id = ?1")
SQL(QUARANTINE_CLEAR, "DELETE FROM quarantine WHERE id = ?1")
SQL(QUARANTINE_USE,
    "SELECT origin, length(body) - 45 * sealed"
    " + ifnull(length(CAST(head AS BLOB)) - 45 * (typeof(head) = 'blob'), 0) FROM quarantine") /* grouping
                                                                                              would copy whole
                                                                                              bodies to sort
                                                                                              them */
SQL(MATCH, "INSERT INTO secret_matches (origin, secret, time) VALUES (?1, ?2, ?3)"
           " ON CONFLICT (origin, secret) DO UPDATE SET time = ?3")
SQL(PROBE, "INSERT INTO probe (id, time) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET time = ?1")
SQL(CONSUMER_PUT,
    "INSERT INTO consumers"
    " (org, name, detail_types, sources, origins, cursor, max_attempts, lease_ms, paused, created, seen)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, ?9, ?9) ON CONFLICT (org, name)"
    " DO UPDATE SET detail_types = ?3, sources = ?4, origins = ?5, max_attempts = ?7, lease_ms = ?8,"
    " seen = max(seen, ?9)")
SQL(CONSUMER_DROP, "DELETE FROM consumers WHERE org = ?1 AND name = ?2")
SQL(CONSUMER_PAUSE, "UPDATE consumers SET paused = ?2 WHERE id = ?1")
SQL(CONSUMER_CURSOR, "UPDATE consumers SET cursor = ?2 WHERE id = ?1")
SQL(CONSUMER_SEEN, "UPDATE consumers SET seen = ?2 WHERE id = ?1 AND seen < ?2 - ?3")
SQL(CONSUMER_MISSED, "UPDATE consumers SET missed = missed + ?2 WHERE id = ?1")
SQL(CLAIMS_FORGET, "DELETE FROM claims WHERE consumer = ?1")
SQL(CLAIM_ADD,
    "INSERT INTO claims (consumer, seq, state, attempts, most, due, token, worker, history, subject)"
    " VALUES (?1, ?2, 0, 1, ?3, ?4, ?5, ?6, seal('claims.history', ?1, ?2, '[]'), '')")
SQL(CLAIM_AGAIN,
    "UPDATE claims SET state = 0, attempts = attempts + 1, most = ?3, due = ?4, token = ?5,"
    " worker = ?6, history = seal('claims.history', consumer, seq, ?7) WHERE consumer = ?1 AND seq = ?2")
SQL(CLAIM_FAIL, "UPDATE claims SET state = ?3, due = ?4, token = 0,"
                " history = seal('claims.history', consumer, seq, ?5), subject = ?6"
                " WHERE consumer = ?1 AND seq = ?2")
SQL(CLAIM_DONE, "DELETE FROM claims"
                " WHERE consumer = ?1 AND seq = ?2 AND token = ?3 AND state = 0 AND due > ?4")
SQL(CLAIM_GONE, "DELETE FROM claims WHERE consumer = ?1 AND seq = ?2")
SQL(CLAIM_EXTEND, "UPDATE claims SET due = ?5"
                  " WHERE consumer = ?1 AND seq = ?2 AND token = ?3 AND state = 0 AND due > ?4")
SQL(CLAIM_REVIVE, "UPDATE claims SET state = 1, attempts = 0, due = ?4 WHERE consumer = ?1 AND seq IN"
                  " (SELECT seq FROM claims JOIN events USING (seq) WHERE consumer = ?1 AND state = 2"
                  " AND (?3 = 0 OR seq = ?3) AND org = ?2 LIMIT ?5)")
SQL(CLAIM_MEND, "UPDATE claims INDEXED BY claims_dead SET state = 1, attempts = 0, due = ?4"
                " WHERE consumer = ?1 AND state = 2 AND subject = ?3"
                " AND (SELECT org FROM events WHERE events.seq = claims.seq) = ?2")
SQL(CLINIC_PUT, "INSERT INTO clinics (org, clinic_id, document, updated)"
                " VALUES (?1, ?2, seal('clinics.document', ?1, ?2, ?3), ?4)"
                " ON CONFLICT (org, clinic_id) DO UPDATE SET document = excluded.document, updated = ?4")
SQL(CLINIC_DROP, "DELETE FROM clinics WHERE org = ?1 AND clinic_id = ?2")
SQL(PICKUP_ADD,
    "INSERT INTO pickups (org, origin, pickup_id, series, local_date, clinic_id, lab_id, status, priority,"
    " window_start, window_end, detail, seq, created, updated)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,"
    " seal('pickups.detail', ?1, ?2, ?3, ?12), ?13, ?14, ?14)"
    " ON CONFLICT (org, origin, pickup_id) DO NOTHING")
SQL(PICKUP_CHANGE, "UPDATE pickups SET clinic_id = ?2, lab_id = ?3, priority = ?4, window_start = ?5,"
                   " window_end = ?6, detail = seal('pickups.detail', org, origin, pickup_id, ?7),"
                   " seq = ?8, updated = ?9 WHERE id = ?1")
SQL(PICKUP_MOVE, "UPDATE pickups SET status = ?2, driver ="
                 " ifnull(seal('pickups.driver', org, origin, pickup_id, ?3), driver), eta = ifnull(?4, eta),"
                 " updated = ?5 WHERE id = ?1")
SQL(SCHEDULE_PUT, "INSERT INTO schedules (org, origin, pickup_id, detail, skipped, horizon, seq, ended)"
                  " VALUES (?1, ?2, ?3, seal('schedules.detail', ?1, ?2, ?3, ?4), ?5, ?6, ?7, ?8)"
                  " ON CONFLICT (org, origin, pickup_id) DO UPDATE SET detail = excluded.detail,"
                  " skipped = ?5, horizon = ?6, seq = ?7, ended = ?8")
SQL(NOTICE_ADD, "INSERT INTO notices (org, kind, key, time, detail, state, attempts, due, error)"
                " VALUES (?1, ?2, ?3, ?4, seal('notices.detail', ?1, ?3, ?5), 0, 0, ?4, '') ON CONFLICT "
                "(org, key) DO NOTHING")
SQL(NOTICE_TRIED, "UPDATE notices SET state = ?2, attempts = attempts + 1, due = ?3, error = ?4"
                  " WHERE id = ?1 AND state = 0")
SQL(NOTICES_KEEP, "UPDATE notices SET state = 3 WHERE state = 0")
SQL(DELIVERY_ADD,
    "INSERT INTO deliveries (org, delivery_id, lab_id, clinic_id, date, status, priority, notes,"
    " seq, created, updated) VALUES (?1, ?2, ?3, ?4, ?5, 'Pending', 'STANDARD',"
    " seal('deliveries.notes', ?1, ?2, ''), ?6, ?7, ?7)")
SQL(DELIVERY_CASE_PUT, "INSERT INTO delivery_cases (org, case_id, delivery_id, priority, detail, place, seq)"
                       " VALUES (?1, ?2, ?3, ?4, seal('delivery_cases.detail', ?1, ?2, ?5), ?6, ?7)"
                       " ON CONFLICT (org, case_id) DO UPDATE SET delivery_id = ?3, priority = ?4,"
                       " detail = excluded.detail, place = ?6, seq = ?7")
SQL(DELIVERY_FOLLOW, "UPDATE deliveries SET priority = ?3,"
                     " notes = seal('deliveries.notes', org, delivery_id, ?4), updated = ?5"
                     " WHERE org = ?1 AND delivery_id = ?2")
SQL(DELIVERY_STATUS, "UPDATE deliveries SET status = ?3,"
                     " driver = seal('deliveries.driver', org, delivery_id, ?4), eta = ?5,"
                     " proof = seal('deliveries.proof', org, delivery_id, ?6), seq = ?7,"
                     " updated = ?8 WHERE org = ?1 AND delivery_id = ?2")
SQL(INVOICE_PUT,
    "INSERT INTO invoices (org, invoice_id, clinic_id, amount_minor, currency, status, seq, updated)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7) ON CONFLICT (org, invoice_id)"
    " DO UPDATE SET clinic_id = ?3, amount_minor = ?4, currency = ?5, status = ?6, updated = ?7")
SQL(INVOICE_CASES_FORGET, "DELETE FROM invoice_cases WHERE org = ?1 AND invoice_id = ?2")
SQL(INVOICE_CASE_ADD, "INSERT INTO invoice_cases (org, invoice_id, case_id) VALUES (?1, ?2, ?3)"
                      " ON CONFLICT DO NOTHING")
SQL(PURGE_MOVE, "UPDATE purge SET seq = ?1 WHERE id = 1")
SQL(PURGE_LEFT, "SELECT seq, origin, source, detail_type, org, time FROM purge_left JOIN events USING (seq)"
                " WHERE seq > ?1 ORDER BY seq LIMIT ?2")
SQL(PURGE_LEAVE, "INSERT INTO purge_left (seq) VALUES (?1) ON CONFLICT DO NOTHING")
SQL(PURGE_TAKE, "DELETE FROM purge_left WHERE seq = ?1")
SQL(PURGE_EVENT, "UPDATE events SET detail = NULL WHERE seq = ?1 AND detail IS NOT NULL")
SQL(PURGE_CLAIM, "SELECT state, due FROM claims WHERE consumer = ?1 AND seq = ?2")
SQL(PURGE_QUARANTINE, "DELETE FROM quarantine WHERE rowid IN"
                      " (SELECT rowid FROM quarantine WHERE last_seen <= ?1 ORDER BY last_seen LIMIT ?2)")
SQL(PURGE_NOTICES, "DELETE FROM notices WHERE id IN"
                   " (SELECT id FROM notices WHERE state > 0 AND time <= ?1 ORDER BY time LIMIT ?2)")
SQL(PURGE_PICKUPS, "DELETE FROM pickups WHERE id IN (SELECT id FROM pickups INDEXED BY pickups_over"
                   " WHERE window_end <= ?1 AND updated <= ?1 LIMIT ?2)")
SQL(PURGE_SCHEDULES, "DELETE FROM schedules WHERE (org, origin, pickup_id) IN"
                     " (SELECT org, origin, pickup_id FROM schedules INDEXED BY schedules_ended"
                     " WHERE ended = 1 AND seq <= (SELECT seq FROM purge WHERE id = 1) LIMIT ?2)")
SQL(PURGE_CASES, "DELETE FROM delivery_cases WHERE (org, case_id) IN"
                 " (SELECT delivery_cases.org, case_id FROM deliveries INDEXED BY deliveries_old"
                 " CROSS JOIN delivery_cases INDEXED BY delivery_cases_of"
                 " ON delivery_cases.org = deliveries.org"
                 " AND delivery_cases.delivery_id = deliveries.delivery_id"
                 " WHERE updated <= ?1 AND (status IN ('Delivered', 'Failed') OR date < ?3) LIMIT ?2)")
SQL(PURGE_DELIVERIES,
    "DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries INDEXED BY deliveries_old"
    " WHERE updated <= ?1 AND (status IN ('Delivered', 'Failed') OR date < ?3)"
    " AND NOT EXISTS (SELECT 1 FROM delivery_cases INDEXED BY delivery_cases_of"
    " WHERE delivery_cases.org = deliveries.org"
    " AND delivery_cases.delivery_id = deliveries.delivery_id) LIMIT ?2)")
SQL(PURGE_PROOFS,
    "UPDATE invoices SET delivered = NULL WHERE (org, invoice_id) IN"
    " (SELECT org, invoice_id FROM invoices WHERE delivered IS NOT NULL AND updated <= ?1 LIMIT ?2)")
SQL(INVOICE_DELIVER,
    "UPDATE invoices SET status = ?3, "
    " delivered = ifnull(delivered, seal('invoices.delivered', org, invoice_id, ?4)), seq = max(seq, ?5),"
    " updated = ?6 WHERE org = ?1 AND invoice_id = ?2")
SQL(SEAL_KEY_USE, "INSERT INTO seal_keys (id, proof, used) VALUES (?1, ?2, ?3)"
                  " ON CONFLICT (id) DO UPDATE SET used = used + ?3 RETURNING used")
SQL(SEAL_KEYS_FORGET, "DELETE FROM seal_keys WHERE id <> ?1")
SQL(SEALING_BEGIN, "INSERT INTO sealing (id, remnants) SELECT 1, EXISTS (SELECT 1 FROM events)"
                   " OR EXISTS (SELECT 1 FROM quarantine) OR EXISTS (SELECT 1 FROM clinics)"
                   " OR EXISTS (SELECT 1 FROM last_seq WHERE seq > 0) WHERE true ON CONFLICT DO NOTHING")
SQL(SEALING_REMNANTS, "UPDATE sealing SET remnants = ?1")
SQL(AUDIT_ADD, "INSERT INTO audit (seq, time, who, org, via, action, what, status, mac)"
               " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")
#undef SQL
