/* An intrusive doubly linked list: the link is a member of the element. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *previous;
};

#define LIST_ELEMENT(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))
/* Walks `head` with `link` pointing to each link in turn. Safe when `link` itself is removed (and
 * freed) in the body. */
#define LIST_EACH(head, link)                                                                      \
    for (struct list *link = (head)->next, *link##_next = link->next; link != (head);              \
         link = link##_next, link##_next = link->next)

static inline void list_init(struct list *list) { list->next = list->previous = list; }
static inline bool list_is_empty(const struct list *list) { return list->next == list; }
static inline void list_append(struct list *list, struct list *link) {
    link->previous = list->previous;
    link->next = list;
    list->previous->next = link;
    list->previous = link;
}
static inline void list_prepend(struct list *list, struct list *link) {
    list_append(list->next, link);
}
static inline void list_remove(struct list *link) {
    link->previous->next = link->next;
    link->next->previous = link->previous;
    list_init(link);
}
static inline struct list *list_first(const struct list *list) {
    return list_is_empty(list) ? NULL : list->next;
}
