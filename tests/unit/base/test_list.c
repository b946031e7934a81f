/* base/list.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/defs.h"
#include "base/list.h"

struct item {
    int number;
    struct list_node node;
};

static void keeps_the_order_of_appending(void **state) {
    struct list_node list;
    struct item items[3] = {{.number = 0}, {.number = 1}, {.number = 2}};
    int expected = 0;
    (void)state;
    list_init(&list);
    assert_true(list_is_empty(&list));
    for (size_t i = 0; i < ARRAY_COUNT(items); i++) {
        assert_false(list_is_linked(&items[i].node));
        list_append(&list, &items[i].node);
        assert_true(list_is_linked(&items[i].node));
    }
    for (struct list_node *node = list.next; node != &list; node = node->next) {
        assert_int_equal(CONTAINER_OF(node, struct item, node)->number, expected++);
        assert_ptr_equal(node->next->previous, node);
    }
    assert_int_equal(expected, 3);
}

static void removes_from_the_middle_and_twice(void **state) {
    struct list_node list, a = {0}, b = {0}, c = {0};
    (void)state;
    list_init(&list);
    list_append(&list, &a);
    list_append(&list, &b);
    list_append(&list, &c);
    list_remove(&b);
    list_remove(&b);
    assert_false(list_is_linked(&b));
    assert_ptr_equal(a.next, &c);
    assert_ptr_equal(c.previous, &a);
    list_remove(&a);
    list_remove(&c);
    assert_true(list_is_empty(&list));
    list_append(&list, &b);
    assert_ptr_equal(list.next, &b);
    assert_ptr_equal(list.previous, &b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_the_order_of_appending),
        cmocka_unit_test(removes_from_the_middle_and_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
