/* Clinics: all that is wrong with a document, and what one says. */
#include "model/clinic.h"

#include "unit.h"

#define START "{'clinicId':'CLI-001','name':'Smile','timezone':'America/New_York'"

static const struct {
    const char *json, *faults;
} documents[] = {
    {START "}", ""},
    {START ",'coordinates':null,'address':null,'phone':null,'contactEmail':null,'operatingHours':null}", ""},
    {START ",'coordinates':{'lat':40.7,'lng':-74},'address':{'city':'New York'},'phone':'1','more':[1]}", ""},
    {START ",'coordinates':{'lat':90,'lng':-180},'address':'1 Main St'}", ""},
    {START ",'operatingHours':{'monday':[{'open':'00:00','close':'24:00'}],'tuesday':null,'sunday':[]}}", ""},
    {START
     ",'operatingHours':{'monday':[{'open':'12:00','close':'17:00'},{'open':'08:00','close':'12:00'}]}}",
     ""},
    {"[]", "Invalid clinic"},
    {"{}", "Missing clinicId; Missing name; Missing timezone"},
    {"{'clinicId':'','name':7,'timezone':'Mars/Olympus'}",
     "Missing clinicId; Invalid name; Invalid timezone"},
    {"{'clinicId':12,'name':'','timezone':12}", "Invalid clinicId; Missing name; Invalid timezone"},
    {START ",'coordinates':[1,2],'address':7,'phone':7,'contactEmail':false,'operatingHours':[]}",
     "Invalid coordinates; Invalid address; Invalid phone; Invalid contactEmail; Invalid operatingHours"},
    {START ",'coordinates':{}}", "Missing coordinates.lat; Missing coordinates.lng"},
    {START ",'coordinates':{'lat':90.1,'lng':-180.1}}", "Invalid coordinates.lat; Invalid coordinates.lng"},
    {START ",'coordinates':{'lat':'40','lng':true}}", "Invalid coordinates.lat; Invalid coordinates.lng"},
    {START ",'operatingHours':{'mondy':null}}", "Invalid operatingHours"},
    {START ",'operatingHours':{'monday':{'open':'08:00','close':'17:00'},'friday':[{}]}}",
     "Invalid operatingHours.monday; Invalid operatingHours.friday"},
    {START ",'operatingHours':{'tuesday':[{'open':'17:00','close':'08:00'}]}}",
     "Invalid operatingHours.tuesday"},
    {START ",'operatingHours':{'tuesday':[{'open':'08:00','close':'08:00'}]}}",
     "Invalid operatingHours.tuesday"},
    {START ",'operatingHours':{'tuesday':[{'open':'24:00','close':'24:00'}]}}",
     "Invalid operatingHours.tuesday"},
    {START ",'operatingHours':{'wednesday':[{'open':'8:00','close':'17:00'}]}}",
     "Invalid operatingHours.wednesday"},
    {START ",'operatingHours':{'wednesday':[{'open':'08:00','close':'24:01'}]}}",
     "Invalid operatingHours.wednesday"},
    {START
     ",'operatingHours':{'thursday':[{'open':'08:00','close':'12:00'},{'open':'11:59','close':'17:00'}]}}",
     "Invalid operatingHours.thursday"},
    {START ",'operatingHours':{'saturday':[{'open':800,'close':1200}]}}", "Invalid operatingHours.saturday"},
};

static void tells_all_that_is_wrong(void **state)
{
    (void)state;
    struct arena arena CLEANUP(arena_free) = {0};
    for (size_t i = 0; i < sizeof documents / sizeof documents[0]; i++) {
        struct json_fault fault;
        struct clinic clinic;
        struct faults faults = {.arena = &arena};
        struct json *json = json_parse(quoted(&arena, documents[i].json), &fault);
        CHECK(documents[i].json, json != NULL);
        bool is_right = clinic_read(json, &clinic, &faults);
        check_faults(documents[i].json, &faults, documents[i].faults);
        CHECK(documents[i].json, is_right == (faults.count == 0));
        json_free(json);
    }
}

static void texts_have_their_bounds(void **state)
{
    (void)state;
    struct arena arena CLEANUP(arena_free) = {0};
    for (size_t more = 0; more < 2; more++) {
        struct json_fault fault;
        struct clinic clinic;
        struct faults faults = {.arena = &arena};
        struct buf text = {.arena = &arena};
        buf_printf(&text, "{'clinicId':'%s','name':'%s','timezone':'UTC'}",
                   repeat(&arena, 'x', CLINIC_ID_MAX + more).at,
                   repeat(&arena, 'y', CLINIC_TEXT_MAX + more).at);
        struct json *json = json_parse(quoted(&arena, buf_text(&text)), &fault);
        clinic_read(json, &clinic, &faults);
        check_faults("bounds", &faults, more ? "Invalid clinicId; Invalid name" : "");
        json_free(json);
    }
}

static void reads_what_it_says(void **state)
{
    (void)state;
    struct arena arena CLEANUP(arena_free) = {0};
    struct json_fault fault;
    struct clinic clinic;
    struct faults faults = {.arena = &arena};
    struct json *json =
        json_parse(quoted(&arena, START
                          ",'coordinates':{'lat':40.5,'lng':-74},'phone':'555-1234','contactEmail':'a@b.c',"
                          "'operatingHours':{'saturday':[{'open':'09:15','close':'24:00'}]}}"),
                   &fault);
    assert_true(clinic_read(json, &clinic, &faults));
    check_text("clinicId", clinic.id, "CLI-001");
    check_text("name", clinic.name, "Smile");
    check_text("timezone", clinic.timezone, "America/New_York");
    check_text("phone", clinic.phone, "555-1234");
    check_text("contactEmail", clinic.email, "a@b.c");
    assert_ptr_equal(clinic.hours.zone, zone_find(SPAN("America/New_York")));
    assert_true(clinic.is_placed && clinic.lat == 40.5 && clinic.lng == -74.0);
    assert_true(clinic.hours.known);
    assert_int_equal(clinic.hours.days[6].count, 1);
    assert_int_equal(clinic.hours.days[6].ranges[0].open, 9 * 60 + 15);
    assert_int_equal(clinic.hours.days[6].ranges[0].close, 24 * 60);
    assert_int_equal(clinic.hours.days[0].count, 0);
    json_free(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_all_that_is_wrong),
        cmocka_unit_test(texts_have_their_bounds),
        cmocka_unit_test(reads_what_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
