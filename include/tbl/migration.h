/*
 * One row a version of the database file, oldest first: row n brings a file from user_version n - 1 to n.
 * Rows are never changed once released; a new version is a new row.
 */
MIGRATION("CREATE TABLE events ("
          " seq INTEGER PRIMARY KEY AUTOINCREMENT," /* never repeats, also after every row is gone */
          " id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),"
          " origin TEXT NOT NULL,"
          " source TEXT NOT NULL,"
          " detail_type TEXT NOT NULL,"
          " org TEXT NOT NULL,"
          " time INTEGER NOT NULL," /* first arrival, ms since 1970 */
          " detail TEXT"            /* JSON; NULL once purged */
          ") STRICT;"
          "CREATE TABLE quarantine ("
          " id BLOB PRIMARY KEY CHECK (length(id) = 16)," /* the id the event will have */
          " origin TEXT NOT NULL,"
          " org TEXT NOT NULL,"
          " first_seen INTEGER NOT NULL,"
          " last_seen INTEGER NOT NULL,"
          " count INTEGER NOT NULL,"
          " faults TEXT NOT NULL," /* a JSON list of texts */
          " body BLOB NOT NULL"
          ") STRICT;"
          "CREATE TABLE probe (id INTEGER PRIMARY KEY CHECK (id = 1), time INTEGER NOT NULL) STRICT;")
MIGRATION("ALTER TABLE events ADD COLUMN content BLOB;"  /* SHA-256 of the body of an event that has a key */
          "ALTER TABLE quarantine ADD COLUMN head TEXT;" /* what the definition saw of the request's head */
          "CREATE TABLE secret_matches ("
          " origin TEXT NOT NULL,"
          " secret TEXT NOT NULL,"
          " time INTEGER NOT NULL," /* when it last proved a webhook, ms since 1970 */
          " PRIMARY KEY (origin, secret)"
          ") STRICT;")
/*
 * AUTOINCREMENT notes the last seq with every row; here only a row that is deleted does. The word is taken
 * out of the schema's text, as sqlite.org/lang_altertable.html has it: no row has to be written anew.
 */
MIGRATION("CREATE TABLE last_seq (id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL) STRICT;"
          "INSERT INTO last_seq SELECT 1, ifnull(max(seq), 0) FROM sqlite_sequence WHERE name = 'events';"
          "DELETE FROM sqlite_sequence WHERE name = 'events';"
          "PRAGMA writable_schema = ON;"
          "UPDATE sqlite_schema SET sql = replace(sql, ' AUTOINCREMENT', '') WHERE name = 'events';"
          "PRAGMA writable_schema = RESET;"
          "CREATE TRIGGER note_last_seq AFTER DELETE ON events"
          " WHEN NOT EXISTS (SELECT 1 FROM events WHERE seq > OLD.seq)"
          " BEGIN UPDATE last_seq SET seq = max(seq, OLD.seq); END;")
/* Handing on: who reads the log, and the domain that the flows make of it. Times are ms since 1970. */
MIGRATION(
    "CREATE TABLE consumers ("
    " id INTEGER PRIMARY KEY,"
    " org TEXT NOT NULL," /* empty: the flows, which read every organization's events */
    " name TEXT NOT NULL,"
    " detail_types TEXT NOT NULL," /* these three: JSON lists of texts, empty for all */
    " sources TEXT NOT NULL,"
    " origins TEXT NOT NULL,"
    " cursor INTEGER NOT NULL," /* the log has been looked through up to this seq */
    " max_attempts INTEGER NOT NULL,"
    " lease_ms INTEGER NOT NULL,"
    " paused INTEGER NOT NULL,"
    " created INTEGER NOT NULL,"
    " UNIQUE (org, name)"
    ") STRICT;"
    "CREATE TABLE claims ("
    " consumer INTEGER NOT NULL REFERENCES consumers ON DELETE CASCADE,"
    " seq INTEGER NOT NULL,"
    " state INTEGER NOT NULL," /* 0 leased, 1 to be tried again, 2 dead */
    " attempts INTEGER NOT NULL,"
    " most INTEGER NOT NULL,"  /* attempts that it may have */
    " due INTEGER NOT NULL,"   /* when the lease ends, when it is tried again, when it died */
    " token INTEGER NOT NULL," /* of the last lease */
    " worker TEXT NOT NULL,"
    " history TEXT NOT NULL," /* a JSON list, one object a failed attempt */
    " subject TEXT NOT NULL," /* what may mend it when it changes: a clinic's id; or empty */
    " PRIMARY KEY (consumer, seq)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX claims_due ON claims (consumer, due) WHERE state < 2;"
    "CREATE INDEX claims_dead ON claims (consumer, subject) WHERE state = 2;"
    "CREATE TABLE clinics ("
    " org TEXT NOT NULL,"
    " clinic_id TEXT NOT NULL,"
    " document TEXT NOT NULL," /* as it was put, checked */
    " updated INTEGER NOT NULL,"
    " PRIMARY KEY (org, clinic_id)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE pickups ("
    " id INTEGER PRIMARY KEY,"
    " org TEXT NOT NULL,"
    " origin TEXT NOT NULL," /* who made it, and alone may change it */
    " pickup_id TEXT NOT NULL,"
    " series TEXT NOT NULL,"     /* the pickup_id of the schedule that made it; or empty */
    " local_date TEXT NOT NULL," /* of the series, YYYYMMDD; or empty */
    " clinic_id TEXT NOT NULL,"
    " lab_id TEXT NOT NULL,"
    " status TEXT NOT NULL,"
    " priority TEXT NOT NULL,"
    " window_start INTEGER NOT NULL,"
    " window_end INTEGER NOT NULL,"
    " detail TEXT NOT NULL," /* what was asked for, but for the schedule and the time of asking: JSON */
    " driver TEXT,"          /* JSON, or NULL */
    " eta INTEGER,"
    " seq INTEGER NOT NULL," /* of the event that changed it last */
    " created INTEGER NOT NULL,"
    " updated INTEGER NOT NULL,"
    " UNIQUE (org, origin, pickup_id)"
    ") STRICT;"
    "CREATE INDEX pickups_of ON pickups (org, id);"
    "CREATE INDEX pickups_id ON pickups (org, pickup_id);"
    "CREATE INDEX pickups_series ON pickups (org, origin, series, window_start) WHERE series <> '';"
    "CREATE TABLE schedules ("
    " org TEXT NOT NULL,"
    " origin TEXT NOT NULL,"
    " pickup_id TEXT NOT NULL,"
    " detail TEXT NOT NULL,"   /* of the event that asked for it */
    " skipped TEXT NOT NULL,"  /* the dates to come for which the clinic is closed: a JSON list */
    " horizon TEXT NOT NULL,"  /* pickups are made up to this local date, YYYY-MM-DD */
    " seq INTEGER NOT NULL,"   /* of the event that changed it last */
    " ended INTEGER NOT NULL," /* 1: it was removed; the row is kept for its seq */
    " PRIMARY KEY (org, origin, pickup_id)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE deliveries ("
    " id INTEGER PRIMARY KEY,"
    " org TEXT NOT NULL,"
    " delivery_id TEXT NOT NULL,"
    " lab_id TEXT NOT NULL,"
    " clinic_id TEXT NOT NULL,"
    " date TEXT NOT NULL," /* YYYY-MM-DD */
    " status TEXT NOT NULL,"
    " priority TEXT NOT NULL,"
    " notes TEXT NOT NULL,"
    " driver TEXT,"
    " eta INTEGER,"
    " proof TEXT," /* of what became Delivered: JSON, or NULL */
    " seq INTEGER NOT NULL,"
    " created INTEGER NOT NULL,"
    " updated INTEGER NOT NULL,"
    " UNIQUE (org, delivery_id)"
    ") STRICT;"
    "CREATE INDEX deliveries_of ON deliveries (org, id);"
    "CREATE INDEX deliveries_pending ON deliveries (org, lab_id, clinic_id, date) WHERE status = 'Pending';"
    "CREATE TABLE delivery_cases ("
    " org TEXT NOT NULL,"
    " case_id TEXT NOT NULL,"
    " delivery_id TEXT NOT NULL,"
    " priority TEXT NOT NULL,"
    " detail TEXT NOT NULL,"   /* of the event that made it ready */
    " place INTEGER NOT NULL," /* the seq of that event, for the order of cases */
    " seq INTEGER NOT NULL,"   /* of the last event that named it */
    " PRIMARY KEY (org, case_id),"
    " FOREIGN KEY (org, delivery_id) REFERENCES deliveries (org, delivery_id)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX delivery_cases_of ON delivery_cases (org, delivery_id);"
    "CREATE TABLE invoices ("
    " org TEXT NOT NULL,"
    " invoice_id TEXT NOT NULL,"
    " clinic_id TEXT NOT NULL,"
    " amount_minor INTEGER NOT NULL,"
    " currency TEXT NOT NULL,"
    " status TEXT NOT NULL,"
    " delivered TEXT," /* time, receiver and proof: JSON, or NULL */
    " seq INTEGER NOT NULL,"
    " updated INTEGER NOT NULL,"
    " PRIMARY KEY (org, invoice_id)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE invoice_cases ("
    " org TEXT NOT NULL,"
    " invoice_id TEXT NOT NULL,"
    " case_id TEXT NOT NULL,"
    " PRIMARY KEY (org, invoice_id, case_id),"
    " FOREIGN KEY (org, invoice_id) REFERENCES invoices (org, invoice_id) ON DELETE CASCADE"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX invoice_cases_of ON invoice_cases (org, case_id);"
    "CREATE TABLE notices (" /* what the dispatcher is told */
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " org TEXT NOT NULL,"
    " kind TEXT NOT NULL,"
    " key TEXT NOT NULL," /* the same one is told once */
    " time INTEGER NOT NULL,"
    " detail TEXT NOT NULL,"   /* JSON */
    " state INTEGER NOT NULL," /* 0 pending, 1 sent, 2 dead, 3 kept: there is nobody to send it to */
    " attempts INTEGER NOT NULL,"
    " due INTEGER NOT NULL,"
    " error TEXT NOT NULL," /* of the last attempt */
    " UNIQUE (org, key)"
    ") STRICT;"
    "CREATE INDEX notices_due ON notices (due) WHERE state = 0;"
    "CREATE INDEX notices_of ON notices (org, id);"
    "INSERT INTO consumers VALUES (1, '', 'flows',"
    " '[\"PickupRequested\",\"CaseReadyToShip\",\"DeliveryCompleted\"]', '[]', '[]', 0, 10, 60000, 0, 0);")
/* Who changed what and who looked at what, each row chained to the one before it. */
MIGRATION("CREATE TABLE audit ("
          " seq INTEGER PRIMARY KEY,"
          " time INTEGER NOT NULL," /* ms since 1970 */
          " who TEXT NOT NULL,"     /* a token's name, or a user of this machine */
          " org TEXT NOT NULL,"
          " via TEXT NOT NULL," /* the client's address, or what it came through */
          " action TEXT NOT NULL,"
          " what TEXT NOT NULL," /* JSON: ids and counts, never patient data */
          " status INTEGER NOT NULL,"
          " mac BLOB NOT NULL CHECK (length(mac) = 32)"
          ") STRICT;"
          "CREATE TRIGGER audit_stays BEFORE DELETE ON audit"
          " BEGIN SELECT RAISE(ABORT, 'what was audited stays'); END;"
          "CREATE TRIGGER audit_stays_as_it_is BEFORE UPDATE ON audit"
          " BEGIN SELECT RAISE(ABORT, 'what was audited stays as it is'); END;")
/*
 * What can hold patient data may be sealed: then it is a BLOB where it was a TEXT (see tbl/sealed.h). A
 * column's type is changed in the schema's text; no row has to be written anew.
 */
MIGRATION(
    "CREATE TABLE seal_keys (" /* those in use */
    " id TEXT PRIMARY KEY,"
    " proof BLOB NOT NULL,"  /* a known text, sealed with it */
    " used INTEGER NOT NULL" /* values that it has sealed, or soon may have */
    ") STRICT;"
    "CREATE TABLE sealing ("
    " id INTEGER PRIMARY KEY CHECK (id = 1),"
    " remnants INTEGER NOT NULL" /* 1: the file may still hold in clear what was there before the first key */
    ") STRICT;"
    "ALTER TABLE quarantine ADD COLUMN sealed INTEGER NOT NULL DEFAULT 0;" /* the body is */
    "PRAGMA writable_schema = ON;"
    "UPDATE sqlite_schema SET sql = replace(sql, ' detail TEXT', ' detail ANY') WHERE type = 'table'"
    " AND name IN ('events', 'pickups', 'schedules', 'delivery_cases', 'notices');"
    "UPDATE sqlite_schema SET sql = replace(sql, ' head TEXT', ' head ANY') WHERE name = 'quarantine';"
    "UPDATE sqlite_schema SET sql = replace(sql, ' history TEXT', ' history ANY') WHERE name = 'claims';"
    "UPDATE sqlite_schema SET sql = replace(sql, ' document TEXT', ' document ANY')"
    " WHERE name = 'clinics';"
    "UPDATE sqlite_schema SET sql = replace(sql, ' delivered TEXT', ' delivered ANY')"
    " WHERE name = 'invoices';"
    "UPDATE sqlite_schema SET sql = replace(replace(replace(sql, ' notes TEXT', ' notes ANY'),"
    " ' proof TEXT', ' proof ANY'), ' driver TEXT', ' driver ANY') WHERE name = 'deliveries';"
    "UPDATE sqlite_schema SET sql = replace(sql, ' driver TEXT', ' driver ANY') WHERE name = 'pickups';"
    "PRAGMA writable_schema = RESET;")
/*
 * What is older than it is to be kept, is found by these indexes. Who reads no more holds back no purge: when
 * a consumer was last heard of, and what was purged unread.
 */
MIGRATION("ALTER TABLE consumers ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;" /* ms since 1970 */
          "ALTER TABLE consumers ADD COLUMN missed INTEGER NOT NULL DEFAULT 0;"
          "UPDATE consumers SET seen = unixepoch() * 1000;"
          "CREATE TABLE purge (" /* up to this seq, every event was purged or is left */
          " id INTEGER PRIMARY KEY CHECK (id = 1),"
          " seq INTEGER NOT NULL"
          ") STRICT;"
          "INSERT INTO purge VALUES (1, 0);"
          "CREATE TABLE purge_left (seq INTEGER PRIMARY KEY) STRICT;" /* old, but somebody holds it */
          "CREATE INDEX quarantine_old ON quarantine (last_seen);"
          "CREATE INDEX notices_over ON notices (time) WHERE state > 0;"
          "CREATE INDEX pickups_over ON pickups (window_end);"
          "CREATE INDEX schedules_ended ON schedules (seq) WHERE ended = 1;"
          "CREATE INDEX deliveries_old ON deliveries (updated);"
          "CREATE INDEX invoices_proven ON invoices (updated) WHERE delivered IS NOT NULL;")
#undef MIGRATION
