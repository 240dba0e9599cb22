#include "keyspace/record/expiry_heap.h"
#include "base/check.h"
#include "base/memory.h"
#include "keyspace/value/memory_class.h"

static uint32_t record_place(const struct record *record) {
    uint32_t place;
    memcpy(&place, record->body + record->key_length + record_value_bytes(record) + 8,
           sizeof place);
    return place;
}

static void record_set_place(struct record *record, uint32_t place) {
    memcpy(record->body + record->key_length + record_value_bytes(record) + 8, &place,
           sizeof place);
}

static struct expiry_node *heap_node(const struct expiry_heap *heap, uint32_t place) {
    return &heap->pages[place / EXPIRY_PAGE_NODES][place % EXPIRY_PAGE_NODES];
}

static void heap_put(struct expiry_heap *heap, uint32_t place, struct expiry_node node) {
    *heap_node(heap, place) = node;
    record_set_place(node.record, place);
}

void expiry_heap_init(struct expiry_heap *heap) { *heap = (struct expiry_heap){0}; }

void expiry_heap_release(struct expiry_heap *heap) {
    for (size_t page = 0; page < heap->page_count; page++)
        memory_free(heap->pages[page]);
    memory_free(heap->pages);
    *heap = (struct expiry_heap){0};
}

static void heap_make_room(struct expiry_heap *heap) {
    CHECK(heap->count < EXPIRY_COUNT_MAXIMUM);
    if (heap->count < heap->page_count * EXPIRY_PAGE_NODES)
        return;
    if (heap->page_count == heap->page_capacity) {
        heap->page_capacity = heap->page_capacity ? heap->page_capacity * 2 : 1;
        heap->pages = memory_resize(heap->pages, heap->page_capacity * sizeof *heap->pages);
    }
    heap->pages[heap->page_count++] =
        memory_allocate(EXPIRY_PAGE_NODES * sizeof(struct expiry_node));
}

/* One empty page is kept, so that a count that swings about a page's end allocates nothing. */
static void heap_give_room_back(struct expiry_heap *heap) {
    while (heap->page_count > heap->count / EXPIRY_PAGE_NODES + 2)
        memory_free(heap->pages[--heap->page_count]);
}

static void heap_sift_up(struct expiry_heap *heap, uint32_t place, struct expiry_node node) {
    while (place > 0) {
        uint32_t parent = (place - 1) / 2;
        if (heap_node(heap, parent)->expiry_ms <= node.expiry_ms)
            break;
        heap_put(heap, place, *heap_node(heap, parent));
        place = parent;
    }
    heap_put(heap, place, node);
}

static void heap_sift_down(struct expiry_heap *heap, uint32_t place, struct expiry_node node) {
    for (;;) {
        uint64_t child = 2 * (uint64_t)place + 1;
        if (child >= heap->count)
            break;
        if (child + 1 < heap->count && heap_node(heap, (uint32_t)child + 1)->expiry_ms <
                                           heap_node(heap, (uint32_t)child)->expiry_ms)
            child++;
        if (node.expiry_ms <= heap_node(heap, (uint32_t)child)->expiry_ms)
            break;
        heap_put(heap, place, *heap_node(heap, (uint32_t)child));
        place = (uint32_t)child;
    }
    heap_put(heap, place, node);
}

void expiry_heap_insert(struct expiry_heap *heap, struct record *record) {
    heap_make_room(heap);
    struct expiry_node node = {record_expiry_ms(record), record};
    heap_sift_up(heap, heap->count++, node);
}

void expiry_heap_remove(struct expiry_heap *heap, const struct record *record) {
    uint32_t place = record_place(record);
    CHECK(place < heap->count);
    CHECK(heap_node(heap, place)->record == record);
    struct expiry_node last = *heap_node(heap, --heap->count);
    if (last.record != record) {
        bool is_earlier = place > 0 && last.expiry_ms < heap_node(heap, (place - 1) / 2)->expiry_ms;
        if (is_earlier)
            heap_sift_up(heap, place, last);
        else
            heap_sift_down(heap, place, last);
    }
    heap_give_room_back(heap);
}

void expiry_heap_moved(struct expiry_heap *heap, struct record *record) {
    uint32_t place = record_place(record);
    CHECK(place < heap->count);
    heap_node(heap, place)->record = record;
}

struct due_walk {
    const struct expiry_heap *heap;
    uint64_t now_ms;
    size_t left;
    void (*visit)(void *context, const struct record *record);
    void *context;
};

/* Below a node that is not due nothing is due. The depth is the heap's: at most 32. */
static void due_walk_from(struct due_walk *walk, uint64_t place) {
    if (place >= walk->heap->count || walk->left == 0)
        return;
    const struct expiry_node *node = heap_node(walk->heap, (uint32_t)place);
    if (node->expiry_ms > walk->now_ms)
        return;
    walk->left--;
    walk->visit(walk->context, node->record);
    due_walk_from(walk, 2 * place + 1);
    due_walk_from(walk, 2 * place + 2);
}

size_t expiry_heap_due(const struct expiry_heap *heap, uint64_t now_ms, size_t maximum,
                       void (*visit)(void *context, const struct record *record), void *context) {
    struct due_walk walk = {heap, now_ms, maximum, visit, context};
    due_walk_from(&walk, 0);
    return maximum - walk.left;
}

size_t expiry_heap_memory_bytes(const struct expiry_heap *heap) {
    size_t page_bytes = memory_class(EXPIRY_PAGE_NODES * sizeof(struct expiry_node));
    size_t list_bytes =
        heap->page_capacity ? memory_class(heap->page_capacity * sizeof *heap->pages) : 0;
    return list_bytes + heap->page_count * page_bytes;
}
