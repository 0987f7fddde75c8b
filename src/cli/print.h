/* Printing stored things for people and for scripts, with patient data masked. */
#ifndef PICKUPD_CLI_PRINT_H
#define PICKUPD_CLI_PRINT_H

#include "store/view.h"

/* The store of that file, for looking; NULL with the reason on standard error. */
struct view *print_open(const char *database);

/* A text for a terminal: control characters become '?'. */
void print_clean(struct span text);

/* The same, but lines stay lines. */
void print_lines(struct span text);

/* A time as 20 bytes of ISO 8601. */
void print_time(int64_t ms);

/*
 * The detail with every field masked that is not known to hold no patient data, unless show_phi. Fields
 * nobody thought of are masked, too.
 */
void mask_detail(struct buf *out, struct span detail, bool show_phi);

/* One event or row of quarantine as a JSON object on a line. */
void print_event_json(const struct view_event *row, bool show_phi);
void print_quarantine_json(const struct view_quarantine *row, bool show_phi);

#endif
