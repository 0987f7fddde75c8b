/*
 * One row a route: face, path, methods allowed, handler in src/web. A path that ends in '/' goes on with one
 * more name.
 */
ROUTE(PUBLIC, "/webhooks/ehr/", "POST, GET", webhook)
ROUTE(PUBLIC, "/webhooks/health", "GET, HEAD", health)
ROUTE(PRIVATE, "/healthz", "GET, HEAD", healthz)
ROUTE(PRIVATE, "/readyz", "GET, HEAD", readyz)
ROUTE(PRIVATE, "/metrics", "GET, HEAD", metrics)
#undef ROUTE
