#include "store/recovery/survivor.h"
#include "base/memory.h"
#include "base/planted.h"

/* ---- lists of entries ---- */

static uint64_t list_first(const struct wal_kept_list *list) {
    return list->count ? list->spans[0].first_index : 0;
}

static struct wal_span *list_last_span(const struct wal_kept_list *list) {
    return list->count ? &list->spans[list->count - 1] : NULL;
}

static uint64_t list_end(const struct wal_kept_list *list) {
    return list->count ? list_last_span(list)->last_index : 0;
}

/* Of an entry that is in the list. */
static uint64_t list_term_at(const struct wal_kept_list *list, uint64_t index) {
    size_t at = 0;
    while (list->spans[at].last_index < index)
        at++;
    return list->spans[at].term;
}

/* What comes next stands no more right behind the last span: between them may be entries that are
 * void. */
static void list_close(struct wal_kept_list *list) {
    if (list->count)
        list_last_span(list)->is_closed = true;
}

static void list_cut(struct wal_kept_list *list, uint64_t from_index) {
    if (list_end(list) < from_index)
        return;
    while (list->count && list_last_span(list)->first_index >= from_index)
        list->count--;
    if (list_end(list) >= from_index && list->count)
        list_last_span(list)->last_index = from_index - 1;
    list_close(list);
}

static void list_release(struct wal_kept_list *list) {
    memory_free(list->spans);
    *list = (struct wal_kept_list){.spans = NULL};
}

static void list_add_span(struct wal_kept_list *list, struct wal_span span) {
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 8;
        list->spans = memory_resize(list->spans, list->capacity * sizeof list->spans[0]);
    }
    list->spans[list->count++] = span;
}

static void list_add(struct wal_kept_list *list, const struct wal_header *entry, uint64_t term) {
    struct wal_span *last = list_last_span(list);
    if (last && !last->is_closed && last->term == term) {
        last->last_index = entry->index;
        last->last_record = entry->record;
        return;
    }
    list_add_span(list, (struct wal_span){.first_index = entry->index,
                                          .last_index = entry->index,
                                          .term = term,
                                          .first_record = entry->record,
                                          .last_record = entry->record});
}

static void list_move(struct wal_kept_list *to, struct wal_kept_list *from) {
    for (size_t i = 0; i < from->count; i++)
        list_add_span(to, from->spans[i]);
    from->count = 0;
}

static void list_drop_covered(struct wal_kept_list *list, uint64_t up_to_index) {
    size_t covered = 0;
    while (covered < list->count && list->spans[covered].last_index <= up_to_index)
        covered++;
    list->count -= covered;
    if (covered)
        memmove(list->spans, list->spans + covered, list->count * sizeof list->spans[0]);
    if (list->count && list->spans[0].first_index <= up_to_index)
        list->spans[0].first_index = up_to_index + 1;
}

/* ---- one shard ---- */

void wal_survivor_init(struct wal_survivor *survivor,
                       uint64_t (*entry_term)(struct bytes encoded_entry)) {
    *survivor = (struct wal_survivor){.entry_term = entry_term, .truncated_from = UINT64_MAX};
}

void wal_survivor_release(struct wal_survivor *survivor) {
    list_release(&survivor->prefix);
    list_release(&survivor->run);
}

/* As a replica does it when it recovers: what follows an entry that the snapshot holds too is kept,
 * else nothing is. */
static void list_take_mark(struct wal_survivor *survivor, struct wal_kept_list *list) {
    uint64_t index = survivor->known.snapshot_index;
    if (list->count == 0 || list_first(list) > index)
        return;
    bool has_it = list_end(list) >= index;
    bool is_continued = has_it && list_term_at(list, index) == survivor->known.snapshot_term;
    if (is_continued)
        list_drop_covered(list, index);
    else
        list_cut(list, 0);
}

/* The run stands on the snapshot: what is lost before it is not needed. */
static bool is_mended(const struct wal_survivor *survivor) {
    const struct wal_shard *known = &survivor->known;
    return survivor->run.count ? list_first(&survivor->run) == known->snapshot_index + 1
                               : known->end_index <= known->snapshot_index;
}

static bool run_follows_prefix(const struct wal_survivor *survivor) {
    return survivor->run.count == 0 || survivor->prefix.count == 0 ||
           list_first(&survivor->run) == list_end(&survivor->prefix) + 1;
}

static void join(struct wal_survivor *survivor) {
    if (survivor->is_broken)
        return;
    list_cut(&survivor->prefix, survivor->truncated_from);
    if (survivor->known.snapshot_index != survivor->prefix_snapshot_index)
        list_take_mark(survivor, &survivor->prefix);
    if (!run_follows_prefix(survivor))
        return;
    list_move(&survivor->prefix, &survivor->run);
    survivor->is_apart = false;
}

static void replace_prefix(struct wal_survivor *survivor) {
    list_cut(&survivor->prefix, 0);
    list_move(&survivor->prefix, &survivor->run);
    survivor->is_apart = survivor->is_broken = false;
}

/* The run is dropped. What was lost before it, once a digest has said so, could begin anywhere. */
static void break_apart(struct wal_survivor *survivor) {
    uint64_t from = survivor->is_in_doubt ? list_first(&survivor->run) : 0;
    if (!survivor->is_broken || from < survivor->broken_from)
        survivor->broken_from = from;
    survivor->is_broken = true;
}

void wal_survivor_gap(struct wal_survivor *survivor, uint64_t first_round) {
    if (!survivor->is_in_doubt && survivor->is_apart && is_mended(survivor))
        replace_prefix(survivor);
    if (survivor->is_apart && (!survivor->is_in_doubt || survivor->run.count))
        break_apart(survivor);
    list_cut(&survivor->run, 0);
    list_close(&survivor->prefix);
    if (!survivor->is_apart) {
        survivor->truncated_from = UINT64_MAX;
        survivor->prefix_snapshot_index = survivor->known.snapshot_index;
    }
    if (!survivor->is_in_doubt || first_round < survivor->doubt_round)
        survivor->doubt_round = first_round;
    survivor->is_apart = survivor->is_in_doubt = true;
}

static void note_highest(struct wal_survivor *survivor, uint64_t index, uint64_t term) {
    if (index > survivor->highest_index)
        survivor->highest_index = index;
    if (term > survivor->highest_term)
        survivor->highest_term = term;
}

static void take_entry(struct wal_survivor *survivor, const struct wal_header *header,
                       struct bytes encoded) {
    uint64_t index = header->index, term = survivor->entry_term(encoded);
    struct wal_kept_list *list = survivor->is_apart ? &survivor->run : &survivor->prefix;
    if (list->count && list_end(list) + 1 != index) {
        /* More is missing than any gap says: only what follows goes together. */
        wal_survivor_gap(survivor, survivor->known.changed_round);
        list = &survivor->run;
    }
    list_add(list, header, term);
    survivor->known.end_index = index;
    note_highest(survivor, index, term);
}

static void take_truncation(struct wal_survivor *survivor, uint64_t from_index) {
    if (survivor->is_apart) {
        list_cut(&survivor->run, from_index);
        if (from_index < survivor->truncated_from)
            survivor->truncated_from = from_index;
        if (from_index && from_index <= survivor->broken_from)
            survivor->is_broken = false;
    } else {
        list_cut(&survivor->prefix, from_index);
    }
    if (from_index && from_index <= survivor->known.end_index)
        survivor->known.end_index = from_index - 1;
}

static int take_forgetting(struct wal_survivor *survivor, uint64_t index, struct bytes payload) {
    struct wal_shard *known = &survivor->known;
    *known = (struct wal_shard){.state = known->state,
                                .is_forgotten = true,
                                .floor_index = index,
                                .record_count = known->record_count,
                                .changed_round = known->changed_round};
    list_cut(&survivor->prefix, 0);
    list_cut(&survivor->run, 0);
    survivor->truncated_from = UINT64_MAX;
    survivor->prefix_snapshot_index = 0;
    survivor->is_apart = survivor->is_in_doubt;
    survivor->is_broken = false;
    return wal_snapshot_decode(&known->floor_term, payload);
}

static int take_snapshot(struct wal_survivor *survivor, uint64_t index, struct bytes payload) {
    struct wal_shard *known = &survivor->known;
    uint64_t term;
    if (wal_snapshot_decode(&term, payload))
        return ERR_MALFORMED;
    if (index <= known->snapshot_index)
        return 0;
    known->snapshot_index = index;
    known->snapshot_term = term;
    if (index > known->end_index)
        known->end_index = index;
    list_take_mark(survivor, survivor->is_apart ? &survivor->run : &survivor->prefix);
    return 0;
}

int wal_survivor_record(struct wal_survivor *survivor, const struct wal_header *header,
                        struct bytes payload) {
    survivor->known.record_count++;
    survivor->known.changed_round = header->round;
    switch (header->kind) {
    case WAL_ENTRY:
        take_entry(survivor, header, payload);
        return 0;
    case WAL_TRUNCATE:
        take_truncation(survivor, header->index);
        return 0;
    case WAL_STATE:
        return wal_state_decode(&survivor->known.state, payload);
    case WAL_SNAPSHOT:
        return take_snapshot(survivor, header->index, payload);
    case WAL_FORGET:
        return take_forgetting(survivor, header->index, payload);
    case WAL_CHECKPOINT:
    case WAL_RELEASE:
    case WAL_CUT:
    case WAL_DIGEST:
    case WAL_KIND_END:
        break;
    }
    return ERR_MALFORMED;
}

/* ---- what the digests say ---- */

static void take_row(struct wal_survivor *survivor, const struct wal_shard *row) {
    bool has_lost = row->record_count != survivor->known.record_count;
    bool is_forgotten_anew = row->is_forgotten && has_lost &&
                             (row->floor_index != survivor->known.floor_index ||
                              row->floor_term != survivor->known.floor_term);
    if (is_forgotten_anew)
        list_cut(&survivor->prefix, 0);
    uint64_t changed_round = survivor->known.changed_round;
    survivor->known = *row;
    survivor->known.changed_round = changed_round;
    note_highest(survivor, row->end_index, row->state.term);
    if (survivor->is_in_doubt && survivor->is_apart && !has_lost)
        join(survivor);
    survivor->is_in_doubt = false;
}

void wal_survivor_digest(struct wal_survivor *survivor, uint64_t first_round,
                         const struct wal_shard *row) {
    if (row) {
        take_row(survivor, row);
    } else if (survivor->is_in_doubt && first_round <= survivor->doubt_round) {
        join(survivor);
        survivor->is_in_doubt = false;
    }
}

/* ---- the end ---- */

/* An entry's own term where it is at hand, the replica's where it is lost: no entry has a higher
 * one. */
static void raise_floor(struct wal_survivor *survivor) {
    struct wal_shard *known = &survivor->known;
    const struct wal_kept_list *run = &survivor->run;
    bool is_at_hand = run->count && list_end(run) == survivor->highest_index;
    uint64_t term = is_at_hand ? list_last_span(run)->term : survivor->highest_term;
    bool is_higher = term > known->floor_term ||
                     (term == known->floor_term && survivor->highest_index > known->floor_index);
    if (is_higher && !PLANTED(DAMAGE_WITHOUT_FLOOR)) {
        known->floor_term = term;
        known->floor_index = survivor->highest_index;
    }
}

bool wal_survivor_finish(struct wal_survivor *survivor) {
    struct wal_shard *known = &survivor->known;
    if (survivor->is_apart && is_mended(survivor))
        replace_prefix(survivor);
    if (survivor->is_apart && known->snapshot_index != survivor->prefix_snapshot_index)
        list_take_mark(survivor, &survivor->prefix);
    bool is_hanging =
        survivor->prefix.count && list_first(&survivor->prefix) != known->snapshot_index + 1;
    bool has_lost = survivor->is_apart || is_hanging;
    if (is_hanging)
        list_cut(&survivor->prefix, 0);
    if (has_lost) {
        note_highest(survivor, 0, known->state.term);
        raise_floor(survivor);
        known->state.vote = PLANTED(DAMAGE_IN_OLD_TERM) ? known->state.vote : 0;
        known->state.term = survivor->highest_term + !PLANTED(DAMAGE_IN_OLD_TERM);
    }
    list_cut(&survivor->run, 0);
    return has_lost;
}

/* ---- once more ---- */

uint64_t wal_survivor_kept_count(const struct wal_survivor *survivor) {
    const struct wal_kept_list *kept = &survivor->prefix;
    return kept->count ? list_end(kept) + 1 - list_first(kept) : 0;
}

int wal_survivor_meet(struct wal_survivor *survivor, const struct wal_header *header,
                      bool *is_kept) {
    const struct wal_kept_list *kept = &survivor->prefix;
    while (survivor->met_span < kept->count &&
           kept->spans[survivor->met_span].last_record < header->record)
        survivor->met_span++;
    *is_kept = false;
    if (survivor->met_span == kept->count)
        return 0;
    const struct wal_span *span = &kept->spans[survivor->met_span];
    *is_kept = span->first_record <= header->record && span->first_index <= header->index &&
               header->index <= span->last_index;
    if (!*is_kept)
        return 0;
    uint64_t next_index = survivor->met_index ? survivor->met_index + 1 : list_first(kept);
    if (header->index != next_index)
        return ERR_DAMAGED;
    survivor->met_index = next_index;
    return 0;
}

bool wal_survivor_has_met_all(const struct wal_survivor *survivor) {
    return survivor->met_index == list_end(&survivor->prefix);
}
