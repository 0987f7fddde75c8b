/*
 * One row a subcommand: name (of cmd_NAME), its forms with '|' between them, a line of help, an example.
 * Every form also takes -c FILE.
 */
COMMAND(serve, "", "Receive webhooks until SIGTERM or SIGINT.", "pickupd serve -c /etc/pickupd/pickupd.ini")
COMMAND(check, "|DEFINITION.json ...|--keys",
        "Check the configuration and the definitions with their examples, or some definitions alone, and list"
        " the sources. --keys lists every config key.",
        "pickupd check -c /etc/pickupd/pickupd.ini")
COMMAND(sign, "SOURCE < BODY", "Print the headers that prove a body comes from a source, one a line.",
        "curl -H @<(pickupd sign dentrix < body.json) -H Content-Type:application/json"
        " --data-binary @body.json URL")
COMMAND(explain,
        "SOURCE --headers FILE --body FILE [--url URL] [--method METHOD] [--at TIME] [--show-phi]"
        "|--quarantine ID [--show-phi]",
        "Walk one captured request, or one in quarantine, through every step: where it stops, and what would"
        " make it pass.",
        "pickupd explain dentrix --headers headers.txt --body body.json")
COMMAND(events,
        "list [--source S] [--type T] [--since TIME] [--limit N] [--json] [--show-phi]"
        "|show ID [--json] [--show-phi]",
        "Look at stored events. Names, phones and notes are masked unless --show-phi.",
        "pickupd events list --source dentrix --since 2026-01-31T00:00:00Z")
COMMAND(quarantine,
        "list [--source S] [--json]|show ID [--json] [--show-phi]|retry ID|retry --all [--source S]",
        "Look at authentic webhooks that could not be mapped, and map them again.",
        "pickupd quarantine retry --all --source dentrix")
COMMAND(
    clinics, "import FILE [--org ORG]",
    "Put the clinics of a file, a JSON list of them or a single one, in place of those of the same ids. ORG"
    " is default unless given. Each"
    " stands or falls alone.",
    "pickupd clinics import clinics.json")
COMMAND(limits, "clear", "Let everybody go on who is held back by a rate limit of the running server.",
        "pickupd limits clear")
COMMAND(version, "", "Print the version of pickupd and of what it stands on.", "pickupd version")
#undef COMMAND
