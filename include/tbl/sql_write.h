/* One row a statement of the writer: name, SQL. */
SQL(BEGIN, "BEGIN IMMEDIATE")
SQL(COMMIT, "COMMIT")
SQL(ROLLBACK, "ROLLBACK")
SQL(SAVEPOINT, "SAVEPOINT job")
SQL(SAVEPOINT_UNDO, "ROLLBACK TO job")
SQL(SAVEPOINT_END, "RELEASE job")
SQL(EVENT_ADD, "INSERT INTO events (seq, id, origin, source, detail_type, org, time, detail, content)"
               " VALUES (?9, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (id) DO NOTHING")
SQL(LAST_SEQ, "SELECT max(seq, ifnull((SELECT max(seq) FROM events), 0)) FROM last_seq")
SQL(EVENT_CONTENT, "SELECT content IS ?2 FROM events WHERE id = ?1")
SQL(QUARANTINE_FIND,
    "SELECT first_seen, length(body) + ifnull(length(CAST(head AS BLOB)), 0) FROM quarantine WHERE id = ?1")
SQL(QUARANTINE_ADD,
    "INSERT INTO quarantine (id, origin, org, first_seen, last_seen, count, faults, body, head)"
    " VALUES (?1, ?2, ?3, ?4, ?4, 1, ?5, ?6, ?7)")
SQL(QUARANTINE_REPEAT, "UPDATE quarantine SET count = count + 1, first_seen = min(first_seen, ?2),"
                       " last_seen = max(last_seen, ?2), faults = iif(body = ?4, ?3, faults) WHERE id = ?1")
SQL(QUARANTINE_SINCE, "UPDATE quarantine SET first_seen = min(first_seen, ?2) WHERE id = ?1")
SQL(QUARANTINE_FAULTS, "UPDATE quarantine SET faults = ?2 WHERE id = ?1")
SQL(QUARANTINE_CLEAR, "DELETE FROM quarantine WHERE id = ?1")
SQL(QUARANTINE_USE,
    "SELECT origin, length(body) + ifnull(length(CAST(head AS BLOB)), 0) FROM quarantine") /* grouping would
                                                                                              copy whole
                                                                                              bodies to sort
                                                                                              them */
SQL(MATCH, "INSERT INTO secret_matches (origin, secret, time) VALUES (?1, ?2, ?3)"
           " ON CONFLICT (origin, secret) DO UPDATE SET time = ?3")
SQL(PROBE, "INSERT INTO probe (id, time) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET time = ?1")
#undef SQL
