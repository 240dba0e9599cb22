/* Tables, heaps, queues and lists, each beside a naive model that always tells the truth. */
#include "../unit.h"
#include "base/containers/due.h"
#include "base/containers/heap.h"
#include "base/containers/list.h"
#include "base/containers/queue.h"
#include "base/containers/table.h"
#include "base/random.h"

enum { MODEL_MAXIMUM = 300 };

/* The model of a table: an array in the order of insertion, searched from the front. */
struct model {
    unsigned keys[MODEL_MAXIMUM];
    void *values[MODEL_MAXIMUM];
    size_t count;
};

static size_t model_find(const struct model *model, unsigned key) {
    size_t i = 0;
    while (i < model->count && model->keys[i] != key)
        i++;
    return i;
}

static void *model_put(struct model *model, unsigned key, void *value) {
    size_t i = model_find(model, key);
    void *replaced = i < model->count ? model->values[i] : NULL;
    if (i == model->count)
        model->keys[model->count++] = key;
    model->values[i] = value;
    return replaced;
}

static void *model_remove(struct model *model, unsigned key) {
    size_t i = model_find(model, key);
    if (i == model->count)
        return NULL;
    void *removed = model->values[i];
    model->count--;
    memmove(model->keys + i, model->keys + i + 1, (model->count - i) * sizeof *model->keys);
    memmove(model->values + i, model->values + i + 1, (model->count - i) * sizeof *model->values);
    return removed;
}

static struct bytes key_text(unsigned key, char text[16]) {
    return bytes_of(text, (size_t)snprintf(text, 16, "key:%u", key));
}

static void assert_same_walk(const struct table *table, const struct model *model) {
    size_t position = 0, walked = 0;
    struct bytes key;
    void *value;
    while (table_walk(table, &position, &key, &value)) {
        char text[16];
        assert_true(bytes_equal(key, key_text(model->keys[walked], text)));
        assert_ptr_equal(value, model->values[walked]);
        walked++;
    }
    assert_int_equal(walked, model->count);
}

/* Puts and removes by lot; the table must agree with the model and walk in the same order. */
static void test_table_behaves_like_a_plain_array(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 3);
    struct table *table = table_new();
    struct model model = {.count = 0};
    for (int step = 0; step < 30000; step++) {
        unsigned key = (unsigned)random_below(&random, MODEL_MAXIMUM);
        void *value = (void *)(uintptr_t)(step + 1);
        char text[16];
        struct bytes bytes = key_text(key, text);
        bool is_growing = step / 5000 % 2 == 0; /* so that it is sometimes full, sometimes empty */
        if (random_chance(&random, is_growing ? 0.7 : 0.3))
            assert_ptr_equal(table_put(table, bytes, value), model_put(&model, key, value));
        else
            assert_ptr_equal(table_remove(table, bytes), model_remove(&model, key));
        assert_int_equal(table_count(table), model.count);
        size_t found = model_find(&model, key);
        assert_ptr_equal(table_get(table, bytes), found < model.count ? model.values[found] : NULL);
        if (step % 100 == 0)
            assert_same_walk(table, &model);
    }
    table_free(table);
}

static void test_table_walk_may_remove_what_it_returned(void **state) {
    (void)state;
    struct table *table = table_new();
    for (unsigned i = 0; i < 100; i++) {
        char text[16];
        table_put(table, key_text(i, text), table);
    }
    size_t position = 0;
    unsigned seen = 0;
    struct bytes key;
    void *value;
    while (table_walk(table, &position, &key, &value)) {
        char text[16];
        assert_true(bytes_equal(key, key_text(seen, text)));
        if (seen++ % 2 == 0) {
            char copy[16];
            memcpy(copy, key.data, key.length);
            table_remove(table, bytes_of(copy, key.length));
        }
    }
    assert_int_equal(seen, 100);
    assert_int_equal(table_count(table), 50);
    table_free(table);
}

static void test_table_takes_the_empty_key(void **state) {
    (void)state;
    struct table *table = table_new();
    assert_null(table_get(table, BYTES_NONE));
    table_put(table, BYTES_NONE, table);
    assert_ptr_equal(table_get(table, BYTES_LITERAL("")), table);
    assert_ptr_equal(table_remove(table, BYTES_NONE), table);
    assert_int_equal(table_count(table), 0);
    table_free(table);
}

/* Pushes and pops by lot: what leaves has the smallest deadline of all that are in, the eldest
 * first among equals. */
static void test_heap_gives_the_smallest_and_of_equals_the_eldest(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 4);
    struct heap heap;
    heap_init(&heap);
    struct {
        uint64_t deadline;
        bool is_in;
    } model[5000] = {0};
    uintptr_t pushed = 0;
    for (int step = 0; step < 8000; step++) {
        if (pushed < 5000 && random_chance(&random, 0.6)) {
            model[pushed].deadline = random_below(&random, 50);
            model[pushed].is_in = true;
            heap_push(&heap, model[pushed].deadline, (void *)(pushed + 1));
            pushed++;
            continue;
        }
        uintptr_t best = pushed;
        for (uintptr_t i = 0; i < pushed; i++)
            if (model[i].is_in && (best == pushed || model[i].deadline < model[best].deadline))
                best = i;
        uint64_t deadline;
        void *element;
        assert_int_equal(heap_pop(&heap, &deadline, &element), best < pushed);
        if (best < pushed) {
            assert_int_equal(deadline, model[best].deadline);
            assert_int_equal((uintptr_t)element, best + 1);
            model[best].is_in = false;
        }
    }
    heap_release(&heap);
}

enum { DUES = 40, DUE_ROUNDS = 20000 };
#define NEVER UINT64_MAX

/* Elements move to and fro, leave and come again: the first is always as early as a search through
 * all finds. */
static void test_what_is_due_first_is_the_earliest(void **state) {
    (void)state;
    struct due dues[DUES] = {{0}};
    struct due_heap heap = {0};
    uint64_t naive[DUES];
    struct random random;
    random_init(&random, 1);
    for (unsigned i = 0; i < DUES; i++)
        naive[i] = NEVER;
    for (unsigned round = 0; round < DUE_ROUNDS; round++) {
        size_t moved = random_below(&random, DUES), best = 0;
        naive[moved] = random_chance(&random, 0.3) ? NEVER : random_below(&random, DUES * 2);
        if (naive[moved] == NEVER)
            due_remove(&heap, &dues[moved]);
        else
            due_set(&heap, &dues[moved], naive[moved]);
        for (size_t i = 1; i < DUES; i++)
            best = naive[i] < naive[best] ? i : best;
        const struct due *first = due_first(&heap);
        assert_int_equal(first != NULL, naive[best] != NEVER);
        if (first != NULL)
            assert_int_equal(naive[first - dues], naive[best]);
    }
    due_heap_release(&heap);
}

enum { LOOKS = 60, LOOKED_AT = 16 };

/* Of those found each is due, none is found twice, and they are as many as there are, or fit. */
static void assert_all_due(struct due *const *found, size_t count, const struct due *dues,
                           uint64_t after, uint64_t until) {
    size_t naive = 0;
    bool is_found[LOOKS] = {false};
    for (size_t i = 0; i < LOOKS; i++)
        naive += dues[i].place > 0 && dues[i].time_us > after && dues[i].time_us <= until;
    assert_int_equal(count, naive < LOOKED_AT ? naive : LOOKED_AT);
    for (size_t i = 0; i < count; i++) {
        assert_true(found[i]->time_us > after && found[i]->time_us <= until);
        assert_false(is_found[found[i] - dues]);
        is_found[found[i] - dues] = true;
    }
}

/* A look ahead finds what is due between two moments, and changes nothing, of both kinds of heaps.
 */
static void test_a_look_finds_what_is_due(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 6);
    for (unsigned round = 0; round < 2000; round++) {
        struct due dues[LOOKS] = {{0}}, *found[LOOKED_AT];
        struct due_heap heap = {0};
        struct heap other;
        heap_init(&other);
        for (size_t i = random_below(&random, LOOKS + 1); i > 0; i--) {
            due_set(&heap, &dues[i - 1], random_below(&random, 100));
            heap_push(&other, dues[i - 1].time_us, &dues[i - 1]);
        }
        uint64_t until = random_below(&random, 120), after = random_below(&random, until + 1);
        size_t count = due_look(&heap, after, until, found, LOOKED_AT);
        assert_all_due(found, count, dues, after, until);
        void *elements[LOOKED_AT];
        assert_int_equal(heap_look(&other, after, until, elements, LOOKED_AT), count);
        memcpy(found, elements, count * sizeof *found);
        assert_all_due(found, count, dues, after, until);
        due_heap_release(&heap);
        heap_release(&other);
    }
}

/* What a storm of deadlines took is given back when it is over. */
static void test_a_heap_of_what_is_due_shrinks(void **state) {
    (void)state;
    struct due dues[DUES] = {{0}};
    struct due_heap heap = {0};
    for (unsigned i = 0; i < DUES; i++)
        due_set(&heap, &dues[i], i);
    for (unsigned i = 0; i < DUES; i++) {
        assert_in_range(heap.capacity, heap.count, 2 * heap.count + 8);
        due_remove(&heap, due_at(&heap, i % heap.count));
    }
    assert_null(due_first(&heap));
    assert_in_range(heap.capacity, 0, 8);
    due_heap_release(&heap);
}

/* Pushes, pops and truncates by lot; the front and every element in between must be the model's. */
static void test_queue_behaves_like_a_plain_array(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 5);
    struct queue queue;
    queue_init(&queue, sizeof(unsigned));
    unsigned model[MODEL_MAXIMUM], pushed = 0;
    size_t count = 0;
    for (int step = 0; step < 20000; step++) {
        uint64_t lot = random_below(&random, 100);
        if (lot < 55 && count < MODEL_MAXIMUM) {
            unsigned *element = queue_push(&queue);
            assert_int_equal(*element, 0);
            *element = model[count++] = ++pushed;
        } else if (lot < 98 && count > 0) {
            queue_pop(&queue);
            memmove(model, model + 1, --count * sizeof *model);
        } else {
            count = (size_t)random_below(&random, count + 1);
            queue_truncate(&queue, count);
        }
        assert_int_equal(queue_count(&queue), count);
        for (size_t i = 0; i < count; i += 1 + count / 8)
            assert_int_equal(*(unsigned *)queue_at(&queue, i), model[i]);
        assert_int_equal(queue_front(&queue) != NULL, count > 0);
    }
    queue_release(&queue);
}

/* A queue that is filled and emptied over and over stays in the memory that it used last, and does
 * not go all the way round its ring. */
static void test_an_emptied_queue_begins_where_it_began(void **state) {
    (void)state;
    struct queue queue;
    queue_init(&queue, sizeof(unsigned));
    const unsigned *first = queue_push(&queue);
    queue_push(&queue);
    queue_pop(&queue);
    assert_ptr_not_equal(queue_front(&queue), first);
    queue_pop(&queue);
    assert_ptr_equal(queue_push(&queue), first);
    queue_release(&queue);
}

struct item {
    int number;
    struct list link;
};

static void test_list_keeps_order_and_allows_removal_while_walking(void **state) {
    (void)state;
    struct list list;
    list_init(&list);
    assert_true(list_is_empty(&list));
    assert_null(list_first(&list));
    struct item items[6];
    for (int i = 0; i < 6; i++) {
        items[i].number = i;
        if (i % 2)
            list_append(&list, &items[i].link);
        else
            list_prepend(&list, &items[i].link);
    }
    static const int order[] = {4, 2, 0, 1, 3, 5};
    int at = 0;
    LIST_EACH (&list, link) {
        struct item *item = LIST_ELEMENT(link, struct item, link);
        assert_int_equal(item->number, order[at++]);
        if (item->number % 3 == 0)
            list_remove(link);
    }
    assert_int_equal(at, 6);
    at = 0;
    LIST_EACH (&list, link)
        at++;
    assert_int_equal(at, 4);
    assert_ptr_equal(LIST_ELEMENT(list_first(&list), struct item, link), &items[4]);
}

RUN_TESTS(cmocka_unit_test(test_table_behaves_like_a_plain_array),
          cmocka_unit_test(test_table_walk_may_remove_what_it_returned),
          cmocka_unit_test(test_table_takes_the_empty_key),
          cmocka_unit_test(test_heap_gives_the_smallest_and_of_equals_the_eldest),
          cmocka_unit_test(test_what_is_due_first_is_the_earliest),
          cmocka_unit_test(test_a_look_finds_what_is_due),
          cmocka_unit_test(test_a_heap_of_what_is_due_shrinks),
          cmocka_unit_test(test_queue_behaves_like_a_plain_array),
          cmocka_unit_test(test_an_emptied_queue_begins_where_it_began),
          cmocka_unit_test(test_list_keeps_order_and_allows_removal_while_walking))
