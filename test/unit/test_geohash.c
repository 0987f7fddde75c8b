/* Cells, and how far away they are. */
#include "model/geohash.h"

#include <math.h>

#include "unit.h"

/* From a program that takes the digits' bits apart as numbers. */
static const struct {
    const char *text;
    double south, north, west, east;
} cells[] = {
    {"ezs42", 42.583007812, 42.626953125, -5.625000000, -5.581054688},
    {"dr5regw3pg6f", 40.712774880, 40.712775048, -74.005973227, -74.005972892},
    {"s", 0.000000000, 45.000000000, 0.000000000, 45.000000000},
    {"0", -90.000000000, -45.000000000, -180.000000000, -135.000000000},
    {"zzzzzzzzzzzz", 89.999999832, 90.000000000, 179.999999665, 180.000000000},
    {"u33dc0cpn", 52.519969940, 52.520012856, 13.404951096, 13.404994011},
};

/* From the same one, which looks for the nearest of many points of the border, by the chords between them. */
static const struct {
    const char *text;
    double lat, lng, metres;
} distances[] = {
    {"dr5regw3", 40.7128, -74.006, 0.000},
    {"dr5reg", 40.7128, -74.006, 0.000},
    {"dr5regw3pg6f", 40.7128, -74.006, 3.576},
    {"u33dc0", 52.52, 13.405, 0.000},
    {"u33dc0cpn", 52.5209, 13.405, 98.647},
    {"u33dc0cpn", 52.51, 13.4, 1158.127},
    {"ezs42", 42.605, -5.603, 0.000},
    {"ezs42", 42.7, -5.5, 10483.283},
    {"s", -1, -1, 157249.598},
    {"xbpbp", 0.01, -179.99, 1111.951}, /* across the date line */
    {"80008", 0.01, 179.99, 8732.141},
    {"zzzzzzzz", 89.9999, -179, 0.194},
    {"0", 10, 100, 10019441.852},
    {"bpbpb", 60, -90, 3335851.325},
    {"upbpb", 85, 140, 555975.401},
    {"kkkk", 0, 150, 14368746.572},
};

static void knows_cells(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
        struct geo_cell cell;
        CHECK(cells[i].text, geohash_read(span_of(cells[i].text), &cell));
        CHECK(cells[i].text, fabs(cell.south - cells[i].south) < 1e-9);
        CHECK(cells[i].text, fabs(cell.north - cells[i].north) < 1e-9);
        CHECK(cells[i].text, fabs(cell.west - cells[i].west) < 1e-9);
        CHECK(cells[i].text, fabs(cell.east - cells[i].east) < 1e-9);
    }
}

static void knows_distances(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof distances / sizeof distances[0]; i++) {
        struct geo_cell cell;
        CHECK(distances[i].text, geohash_read(span_of(distances[i].text), &cell));
        double metres = geohash_distance(&cell, distances[i].lat, distances[i].lng);
        if (fabs(metres - distances[i].metres) > 0.002 + distances[i].metres * 1e-9)
            fail_msg("%s: got %.3f, want %.3f", distances[i].text, metres, distances[i].metres);
    }
}

static void what_is_no_geohash_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",     "a",      "dr5regi",       "dr5o", "l",
                                      "DR5R", "dr5 re", "dr5regw3pg6f0", "-",    "dr5r\n"};
    struct geo_cell cell;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK(bad[i], !geohash_read(span_of(bad[i]), &cell));
    assert_false(geohash_read((struct span){"s\0", 2}, &cell)); /* the end of the table is no digit */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_cells),
        cmocka_unit_test(knows_distances),
        cmocka_unit_test(what_is_no_geohash_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
