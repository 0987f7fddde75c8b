/*
 * One row an operation of the private API: name, method, path, who may, what the audit takes it for (NEITHER,
 * a LOOK at what may be patient data, or a CHANGE), shape of the body, status and shape of the answer, other
 * statuses than those that every operation has, summary. A part of a path in braces is any name.
 */
API(openapi, GET, "/v1/openapi.json", ANYBODY, NEITHER, none, 200, any, "", "This description.")
API(whoami, GET, "/v1/whoami", ANYBODY, NEITHER, none, 200, whoami, "", "What the token may do.")
API(consumers, GET, "/v1/consumers", READERS, NEITHER, none, 200, consumer_list, "",
    "All consumers, and how far each is.")
API(consumer_put, PUT, "/v1/consumers/{name}", ADMINS, CHANGE, consumer_put, 200, consumer_terms, "201 409",
    "Make a consumer, or give it another filter and other terms.")
API(consumer_delete, DELETE, "/v1/consumers/{name}", ADMINS, CHANGE, none, 204, none, "404 409",
    "Forget a consumer, and what it holds.")
API(consumer_pause, POST, "/v1/consumers/{name}/pause", ADMINS, CHANGE, none, 200, consumer_terms, "404 409",
    "Give it no events for now.")
API(consumer_resume, POST, "/v1/consumers/{name}/resume", ADMINS, CHANGE, none, 200, consumer_terms,
    "404 409", "Give it events again.")
API(consumer_replay, POST, "/v1/consumers/{name}/replay", ADMINS, CHANGE, consumer_replay, 200,
    consumer_terms, "404 409", "Give it everything from a seq on again; what it had claimed is forgotten.")
API(claim, POST, "/v1/consumers/{name}/claim", WORKERS, CHANGE, claim, 200, claims, "404 409",
    "Take the next events on a lease; may wait for them.")
API(ack, POST, "/v1/consumers/{name}/ack", WORKERS, CHANGE, ack, 200, lease_results, "404 409",
    "The events are done.")
API(nack, POST, "/v1/consumers/{name}/nack", WORKERS, CHANGE, nack, 200, lease_results, "404 409",
    "The attempts have failed: try again later, or never.")
API(extend, POST, "/v1/consumers/{name}/extend", WORKERS, CHANGE, extend, 200, lease_results, "404 409",
    "Keep the leases for longer.")
API(dead, GET, "/v1/consumers/{name}/dead", READERS, LOOK, none, 200, dead_letters, "404",
    "The events it has given up.")
API(dead_retry_all, POST, "/v1/consumers/{name}/dead/retry", WORKERS, CHANGE, none, 200, retried, "404",
    "Try all of these again.")
API(dead_retry, POST, "/v1/consumers/{name}/dead/{id}/retry", WORKERS, CHANGE, none, 200, retried, "404",
    "Try one of them again.")
API(publish, POST, "/v1/events", PUBLISH, CHANGE, publish, 200, published, "201 422",
    "Publish an event, or a list of at most 1,000 of which each stands or falls alone.")
API(events, GET, "/v1/events", READERS, LOOK, none, 200, event_page, "",
    "The log in pages, the newest event first.")
API(event, GET, "/v1/events/{id}", READERS, LOOK, none, 200, event_way, "404",
    "One event, and its way past every consumer.")
API(stream, GET, "/v1/stream", READERS, LOOK, none, 200, none, "", "Events as they are committed.")
API(quarantine, GET, "/v1/quarantine", READERS, LOOK, none, 200, quarantine_page, "",
    "Authentic webhooks that could not be mapped.")
API(quarantine_one, GET, "/v1/quarantine/{id}", READERS, LOOK, none, 200, quarantined, "404",
    "One of them, with its body.")
API(quarantine_retry, POST, "/v1/quarantine/{id}/retry", WORKERS, CHANGE, none, 200, quarantine_result, "404",
    "Map one of them again.")
API(quarantine_retry_all, POST, "/v1/quarantine/retry", WORKERS, CHANGE, none, 200, quarantine_results, "",
    "Map all of them again.")
API(clinics, GET, "/v1/clinics", READERS, LOOK, none, 200, clinic_page, "", "Clinics, by their ids.")
API(clinics_import, POST, "/v1/clinics/import", ADMINS, CHANGE, clinic_list, 200, import_results, "",
    "Put a list of clinics, each of which stands or falls alone.")
API(clinic, GET, "/v1/clinics/{id}", READERS, LOOK, none, 200, clinic, "404", "One clinic.")
API(clinic_put, PUT, "/v1/clinics/{id}", ADMINS, CHANGE, clinic, 200, clinic, "201",
    "Make or replace a clinic; what the flows gave up for want of it is tried again.")
API(clinic_delete, DELETE, "/v1/clinics/{id}", ADMINS, CHANGE, none, 204, none, "404",
    "Forget a clinic; its pickups stay.")
API(pickups, GET, "/v1/pickups", READERS, LOOK, none, 200, pickup_page, "",
    "Pickups, in the order they were made.")
API(pickup, GET, "/v1/pickups/{id}", READERS, LOOK, none, 200, pickup_or_confirmation, "404 409",
    "One pickup; or its confirmation, in a vendor's words.")
API(pickup_status, POST, "/v1/pickups/{id}/status", WORKERS, CHANGE, pickup_move, 200, pickup, "404 409",
    "Give a pickup another status.")
API(deliveries, GET, "/v1/deliveries", READERS, LOOK, none, 200, delivery_page, "",
    "Deliveries, in the order they were made.")
API(delivery, GET, "/v1/deliveries/{id}", READERS, LOOK, none, 200, delivery, "404",
    "One delivery, with its cases.")
API(delivery_status, POST, "/v1/deliveries/{id}/status", WORKERS, CHANGE, delivery_move, 200, delivery,
    "404 409", "Give a delivery another status.")
API(invoices, GET, "/v1/invoices", READERS, LOOK, none, 200, invoice_page, "", "Invoices, by their ids.")
API(invoice, GET, "/v1/invoices/{id}", READERS, LOOK, none, 200, invoice, "404", "One invoice.")
API(invoice_put, PUT, "/v1/invoices/{id}", ADMINS, CHANGE, invoice_put, 200, invoice, "201",
    "Make an invoice, or give it other contents.")
API(notifications, GET, "/v1/notifications", READERS, LOOK, none, 200, notification_page, "",
    "What the dispatcher was told, or is to be.")
#undef API
