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
#undef MIGRATION
