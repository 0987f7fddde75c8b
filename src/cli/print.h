/* Printing stored things for people and for scripts, with patient data masked. */
#ifndef PICKUPD_CLI_PRINT_H
#define PICKUPD_CLI_PRINT_H

#include "base/json.h"
#include "cli/open.h"

/* The database, for looking; NULL with the reason on standard error. */
struct view *print_open(struct setup *setup);

/* Why it could not be read. */
const char *print_failure(enum err err);

/* A text for a terminal: control characters become '?'. */
void print_clean(struct span text);

/* The same, filled up with spaces to that width, and one more. */
void print_name(struct span name, int width);

/* The same, but lines stay lines. */
void print_lines(struct span text);

/* A time as 20 bytes of ISO 8601. */
void print_time(int64_t ms);

/* "42 s", "3 min", "5 h", "12 d": the largest unit of which there are two or more. */
#define PRINT_SPAN 32
const char *print_span(char text[PRINT_SPAN], int64_t ms);

/* A number out of JSON, for printf; 0 if it is none. */
long long print_number_of(const struct json *of, const char *key);

/* A time out of JSON; false if it is none, such as null. And for how long it has been, or `otherwise`. */
bool print_time_of(const struct json *at, int64_t *ms);
const char *print_since(char text[PRINT_SPAN], const struct json *at, int64_t now, const char *otherwise);

/*
 * The event's detail with every field masked that is not known to hold no patient data, unless show_phi.
 * Fields nobody thought of are masked, too, and so are their names where a publisher chose them.
 */
void mask_detail(struct buf *out, const struct event *event, bool show_phi);

/* The same of the attempts of a dead letter, a JSON list. */
void mask_history(struct buf *out, struct span history, bool show_phi);

/* One event or row of quarantine as a JSON object on a line. */
void print_event_json(const struct view_event *row, bool show_phi);
void print_quarantine_json(const struct view_quarantine *row, bool show_phi);

#endif
