#include "keyspace/record/remains.h"
#include "base/containers/queue.h"
#include "base/memory.h"
#include "keyspace/value/memory_class.h"

struct remaining_object {
    const struct value_kind *kind;
    void *object; /* owned */
    size_t bytes; /* before any of it was freed */
};

struct remaining_table {
    struct slot_table table; /* owned, with its records */
    uint64_t next;           /* bucket */
};

struct remains {
    struct queue objects, tables;
    uint64_t key_count, bytes;
};

struct remains *remains_new(void) {
    struct remains *remains = memory_allocate_zeroed(1, sizeof *remains);
    queue_init(&remains->objects, sizeof(struct remaining_object));
    queue_init(&remains->tables, sizeof(struct remaining_table));
    return remains;
}

void remains_free(struct remains *remains) {
    if (remains == NULL)
        return;
    while (remains_free_some(remains, SIZE_MAX))
        continue;
    queue_release(&remains->objects);
    queue_release(&remains->tables);
    memory_free(remains);
}

/* ---- taking ---- */

/* Whoever does it counts it. */
static void push_object(struct remains *remains, const struct value_kind *kind, void *object) {
    struct remaining_object *pushed = queue_push(&remains->objects);
    *pushed = (struct remaining_object){kind, object, kind->memory_bytes(object)};
}

void remains_take_object(struct remains *remains, const struct value_kind *kind, void *object) {
    size_t bytes = kind->memory_bytes(object);
    if (remains == NULL || bytes <= REMAINS_OBJECT_BYTES) {
        kind->free(object);
        return;
    }
    size_t none = 0;
    if (kind->free_some(object, &none)) /* at once, so that the cut counts it */
        return;
    push_object(remains, kind, object);
    remains->key_count++;
    remains->bytes += bytes;
}

void remains_take_table(struct remains *remains, struct slot_table *table) {
    struct remains *own = remains ? NULL : remains_new();
    struct remaining_table *taken = queue_push(own ? &own->tables : &remains->tables);
    taken->table = *table;
    if (remains) {
        remains->key_count += table->count;
        remains->bytes += table->held_bytes;
    }
    *table = (struct slot_table){.buckets = NULL};
    remains_free(own);
}

/* ---- freeing ---- */

static void free_of_object(struct remains *remains, size_t *elements) {
    const struct remaining_object *front = queue_front(&remains->objects);
    if (!front->kind->free_some(front->object, elements))
        return;
    remains->bytes -= front->bytes;
    remains->key_count--;
    queue_pop(&remains->objects);
}

/* Its object goes next: before the next record, so that few of them wait. */
static void free_record(struct remains *remains, struct record *record) {
    remains->bytes -= memory_class(record_bytes(record));
    if (record_is_object(record))
        push_object(remains, value_kind_of(record_type(record)), record_object(record));
    else
        remains->key_count--;
    memory_free(record);
}

static void free_bucket(struct remains *remains, size_t *elements) {
    struct remaining_table *front = queue_front(&remains->tables);
    if (front->next == slot_table_bucket_count(&front->table)) {
        memory_free(front->table.old_buckets);
        memory_free(front->table.buckets);
        queue_pop(&remains->tables);
        return;
    }
    struct record *record = slot_table_bucket(&front->table, front->next++);
    --*elements;
    while (record) {
        struct record *next = record->next;
        free_record(remains, record);
        record = next;
        *elements -= *elements > 0;
    }
}

bool remains_free_some(struct remains *remains, size_t elements) {
    while (elements > 0 && !remains_is_empty(remains))
        if (queue_count(&remains->objects) > 0)
            free_of_object(remains, &elements);
        else
            free_bucket(remains, &elements);
    return !remains_is_empty(remains);
}

/* ---- looking ---- */

bool remains_is_empty(const struct remains *remains) {
    return queue_count(&remains->objects) == 0 && queue_count(&remains->tables) == 0;
}

uint64_t remains_key_count(const struct remains *remains) { return remains->key_count; }

uint64_t remains_bytes(const struct remains *remains) { return remains->bytes; }
