/*
 * One row a column that may hold patient data or free text, and so may be sealed: table, column, what names
 * the row (bound to the value, in this order), what `reseal` goes through the table by, as many parameters,
 * how a value in clear is known, and what changes with the value. Every other column is in clear by design;
 * the manual says why.
 */
SEALED(events, detail, "id", "seq", "?1", "typeof(detail) = 'text'", "")
SEALED(events, content, "id", "seq", "?1", "length(content) = 32", "")
SEALED(quarantine, body, "id", "rowid", "?1", "sealed = 0", ", sealed = 1")
SEALED(quarantine, head, "id", "rowid", "?1", "typeof(head) = 'text'", "")
SEALED(claims, history, "consumer, seq", "consumer, seq", "?1, ?2", "typeof(history) = 'text'", "")
SEALED(clinics, document, "org, clinic_id", "org, clinic_id", "?1, ?2", "typeof(document) = 'text'", "")
SEALED(pickups, detail, "org, origin, pickup_id", "id", "?1", "typeof(detail) = 'text'", "")
SEALED(pickups, driver, "org, origin, pickup_id", "id", "?1", "typeof(driver) = 'text'", "")
SEALED(schedules, detail, "org, origin, pickup_id", "org, origin, pickup_id", "?1, ?2, ?3",
       "typeof(detail) = 'text'", "")
SEALED(deliveries, notes, "org, delivery_id", "id", "?1", "typeof(notes) = 'text'", "")
SEALED(deliveries, driver, "org, delivery_id", "id", "?1", "typeof(driver) = 'text'", "")
SEALED(deliveries, proof, "org, delivery_id", "id", "?1", "typeof(proof) = 'text'", "")
SEALED(delivery_cases, detail, "org, case_id", "org, case_id", "?1, ?2", "typeof(detail) = 'text'", "")
SEALED(invoices, delivered, "org, invoice_id", "org, invoice_id", "?1, ?2", "typeof(delivered) = 'text'", "")
SEALED(notices, detail, "org, key", "id", "?1", "typeof(detail) = 'text'", "")
#undef SEALED
