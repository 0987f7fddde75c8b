/* One row a statement of those who only read: name, SQL. */
SQL(EVENTS, "SELECT * FROM (SELECT seq, id, origin, source, detail_type, org, time, detail FROM events"
            " WHERE (?1 = '' OR origin = ?1 OR source = ?1) AND (?2 = '' OR detail_type = ?2) AND time >= ?3"
            " ORDER BY seq DESC LIMIT ?4) ORDER BY seq")
SQL(EVENT, "SELECT seq, id, origin, source, detail_type, org, time, detail FROM events WHERE id = ?1")
SQL(QUARANTINE,
    "SELECT id, origin, org, first_seen, last_seen, count, faults, length(body), x'', '' FROM quarantine"
    " WHERE (?1 = '' OR origin = ?1) ORDER BY first_seen, id")
SQL(QUARANTINE_ONE, "SELECT id, origin, org, first_seen, last_seen, count, faults, length(body), body, head"
                    " FROM quarantine WHERE id = ?1")
SQL(MATCHES, "SELECT origin, secret, time FROM secret_matches ORDER BY origin, secret")
#undef SQL
