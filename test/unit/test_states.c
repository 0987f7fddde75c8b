/* Which status follows which, and which priority is higher. */
#include "model/states.h"

#include "model/priority.h"
#include "unit.h"

/* All that is allowed; whatever is not here is refused. */
static const char *const pickup_moves = "Pending>Assigned Pending>Cancelled Pending>Skipped "
                                        "Assigned>EnRoute Assigned>Cancelled Assigned>Skipped "
                                        "EnRoute>Arrived EnRoute>Cancelled EnRoute>Skipped "
                                        "Arrived>Completed Arrived>Cancelled Arrived>Skipped ";
static const char *const delivery_moves =
    "Pending>InTransit Pending>Failed InTransit>Delivered InTransit>Failed ";

static void pickups_move_as_drawn(void **state)
{
    (void)state;
    struct buf got CLEANUP(buf_free) = {0};
    for (int from = 0; from < PICKUP_STATUSES; from++) {
        for (int to = 0; to < PICKUP_STATUSES; to++) {
            if (!pickup_may_become((enum pickup_status)from, (enum pickup_status)to))
                continue;
            buf_printf(&got, "%s>%s ", pickup_status_name((enum pickup_status)from),
                       pickup_status_name((enum pickup_status)to));
        }
    }
    check_text("moves", buf_span(&got), pickup_moves);
}

static void deliveries_move_as_drawn(void **state)
{
    (void)state;
    struct buf got CLEANUP(buf_free) = {0};
    for (int from = 0; from < DELIVERY_STATUSES; from++) {
        for (int to = 0; to < DELIVERY_STATUSES; to++) {
            if (!delivery_may_become((enum delivery_status)from, (enum delivery_status)to))
                continue;
            buf_printf(&got, "%s>%s ", delivery_status_name((enum delivery_status)from),
                       delivery_status_name((enum delivery_status)to));
        }
    }
    check_text("moves", buf_span(&got), delivery_moves);
}

static void names_are_read_to_the_letter(void **state)
{
    (void)state;
    enum pickup_status pickup;
    enum delivery_status delivery;
    for (int i = 0; i < PICKUP_STATUSES; i++) {
        assert_true(pickup_status_read(span_of(pickup_status_name((enum pickup_status)i)), &pickup));
        assert_int_equal(pickup, i);
    }
    for (int i = 0; i < DELIVERY_STATUSES; i++) {
        assert_true(delivery_status_read(span_of(delivery_status_name((enum delivery_status)i)), &delivery));
        assert_int_equal(delivery, i);
    }
    assert_false(pickup_status_read(SPAN("pending"), &pickup));
    assert_false(pickup_status_read(SPAN("Delivered"), &pickup));
    assert_false(pickup_status_read(SPAN(""), &pickup));
    assert_false(delivery_status_read(SPAN("Completed"), &delivery));
}

static void priorities_are_in_their_order(void **state)
{
    (void)state;
    enum priority priority;
    static const char *const names[] = {"STANDARD", "RUSH", "EMERGENCY"};
    for (int i = 0; i < PRIORITY_COUNT; i++) {
        assert_true(priority_read(span_of(names[i]), &priority));
        assert_int_equal(priority, i);
        assert_string_equal(priority_name(priority), names[i]);
    }
    assert_int_equal(priority_higher(PRIORITY_RUSH, PRIORITY_STANDARD), PRIORITY_RUSH);
    assert_int_equal(priority_higher(PRIORITY_RUSH, PRIORITY_EMERGENCY), PRIORITY_EMERGENCY);
    assert_false(priority_read(SPAN("rush"), &priority));
    assert_false(priority_read(SPAN(""), &priority));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pickups_move_as_drawn),
        cmocka_unit_test(deliveries_move_as_drawn),
        cmocka_unit_test(names_are_read_to_the_letter),
        cmocka_unit_test(priorities_are_in_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
