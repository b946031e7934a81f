/* src/net/deadline.h: many deadlines of one duration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/defs.h"
#include "deadline.h"

static const uint64_t ms = 1000000;

static void the_earliest_is_first_and_passes_on_its_nanosecond(void **state) {
    struct deadline_queue queue;
    struct deadline a = {0}, b = {0};
    (void)state;
    deadline_queue_init(&queue, 10);
    assert_null(deadline_first(&queue));
    assert_null(deadline_passed(&queue, UINT64_MAX));
    deadline_set(&queue, &a, 100 * ms);
    deadline_set(&queue, &b, 105 * ms);
    assert_ptr_equal(deadline_first(&queue), &a);
    assert_null(deadline_passed(&queue, 110 * ms - 1));
    assert_ptr_equal(deadline_passed(&queue, 110 * ms), &a);
    assert_ptr_equal(deadline_passed(&queue, 110 * ms), &a); /* it stays until taken off */
    deadline_cancel(&a);
    assert_null(deadline_passed(&queue, 110 * ms));
    assert_ptr_equal(deadline_passed(&queue, 115 * ms), &b);
}

static void setting_again_goes_to_the_end(void **state) {
    struct deadline_queue queue;
    struct deadline a = {0}, b = {0};
    (void)state;
    deadline_queue_init(&queue, 10);
    deadline_set(&queue, &a, 1 * ms);
    deadline_set(&queue, &b, 2 * ms);
    deadline_set(&queue, &a, 3 * ms);
    assert_ptr_equal(deadline_first(&queue), &b);
    assert_int_equal(a.at_ns, 13 * ms);
    deadline_cancel(&b);
    assert_ptr_equal(deadline_first(&queue), &a);
}

static void moves_from_one_queue_to_another(void **state) {
    struct deadline_queue head, idle;
    struct deadline a = {0};
    (void)state;
    deadline_queue_init(&head, 10);
    deadline_queue_init(&idle, UINT32_MAX);
    deadline_set(&head, &a, 5 * ms);
    deadline_set(&idle, &a, 5 * ms);
    assert_null(deadline_first(&head));
    assert_ptr_equal(deadline_first(&idle), &a);
    assert_true(a.at_ns == (5 + (uint64_t)UINT32_MAX) * ms);
    deadline_cancel(&a);
    deadline_cancel(&a);
    assert_null(deadline_first(&idle));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_earliest_is_first_and_passes_on_its_nanosecond),
        cmocka_unit_test(setting_again_goes_to_the_end),
        cmocka_unit_test(moves_from_one_queue_to_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
