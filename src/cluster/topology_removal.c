#include "cluster/topology_removal.h"

#include "base/memory.h"
#include "base/text/number.h"
#include "cluster/feature.h"

/* ---- the list ---- */

const struct topology_removed *topology_removed_by_uuid(const struct topology *topology,
                                                        const uint8_t uuid[16]) {
    for (unsigned i = 0; i < topology->removed_count; i++)
        if (memcmp(topology->removed[i].uuid, uuid, 16) == 0)
            return &topology->removed[i];
    return NULL;
}

uint32_t topology_removed_highest(const struct topology *topology) {
    uint32_t highest = 0;
    for (unsigned i = 0; i < topology->removed_count; i++)
        if (topology->removed[i].number > highest)
            highest = topology->removed[i].number;
    return highest;
}

static void append_removed(struct topology *topology, const struct topology_node *node) {
    topology->removed =
        memory_resize(topology->removed, (topology->removed_count + 1) * sizeof *topology->removed);
    struct topology_removed *removed = &topology->removed[topology->removed_count++];
    removed->number = node->number;
    memcpy(removed->uuid, node->uuid, sizeof removed->uuid);
}

static void take_out(struct topology *topology, unsigned position) {
    append_removed(topology, &topology->nodes[position]);
    topology->node_count--;
    memmove(topology->nodes + position, topology->nodes + position + 1,
            (topology->node_count - position) * sizeof *topology->nodes);
}

static bool find_node(const struct topology *topology, uint32_t number, unsigned *position) {
    for (*position = 0; *position < topology->node_count; ++*position)
        if (topology->nodes[*position].number == number)
            return true;
    return false;
}

/* ---- the encoded form ---- */

void topology_removal_encode(const struct topology *topology, struct buffer *out) {
    buffer_append_varint(out, topology->removed_count);
    for (unsigned i = 0; i < topology->removed_count; i++) {
        buffer_append_u32(out, topology->removed[i].number);
        buffer_append(out, topology->removed[i].uuid, sizeof topology->removed[i].uuid);
    }
    for (unsigned i = 0; i < topology->shard_count; i++)
        buffer_append_u32(out, topology->shards[i].survivor);
}

int topology_removal_decode(struct topology *topology, struct cursor *in) {
    uint64_t count = cursor_varint(in);
    if (in->is_failed || count > TOPOLOGY_REMOVED_MAXIMUM)
        return ERR_MALFORMED;
    for (uint64_t i = 0; i < count; i++) {
        struct topology_node node = {.number = cursor_u32(in)};
        struct bytes uuid = cursor_bytes(in, sizeof node.uuid);
        if (in->is_failed || node.number == 0 || node.number > TOPOLOGY_NUMBER_MAXIMUM ||
            topology_node(topology, node.number))
            return ERR_MALFORMED;
        memcpy(node.uuid, uuid.data, uuid.length);
        append_removed(topology, &node);
    }
    for (unsigned i = 0; i < topology->shard_count; i++) {
        struct topology_shard *shard = &topology->shards[i];
        shard->survivor = cursor_u32(in);
        if (shard->survivor && !topology_shard_has_replica(shard, shard->survivor))
            return ERR_MALFORMED;
    }
    return in->is_failed ? ERR_MALFORMED : 0;
}

/* ---- a node that holds nothing goes ---- */

static bool is_needed(const struct topology *topology, uint32_t number) {
    for (unsigned i = 0; i < topology->shard_count; i++)
        if (!topology->shards[i].is_settled ||
            topology_shard_has_replica(&topology->shards[i], number))
            return true;
    return false;
}

bool topology_was_removed(const struct topology *topology, uint32_t node_number) {
    for (unsigned i = 0; i < topology->removed_count; i++)
        if (topology->removed[i].number == node_number)
            return true;
    return false;
}

int topology_apply_node_remove(struct topology *topology, const struct bytes *arguments,
                               size_t count) {
    int64_t number;
    unsigned position;
    if (count != 2 || !number_parse_i64(arguments[1], &number))
        return ERR_INVALID;
    if (number < 1 || number > TOPOLOGY_NUMBER_MAXIMUM ||
        !find_node(topology, (uint32_t)number, &position))
        return number > 0 && topology_was_removed(topology, (uint32_t)number) ? 0 : ERR_NOT_FOUND;
    if (is_needed(topology, (uint32_t)number))
        return ERR_BUSY;
    if (topology->removed_count == TOPOLOGY_REMOVED_MAXIMUM)
        return ERR_LIMIT;
    take_out(topology, position);
    topology->epoch++;
    return 0;
}

/* ---- nodes are lost for good ---- */

/* The next number of "1,2,3"; false at the end, or with *is_wrong. */
static bool next_number(struct bytes *list, int64_t *number, bool *is_wrong) {
    size_t length = 0;
    if (list->length == 0)
        return false;
    while (length < list->length && list->data[length] != ',')
        length++;
    *is_wrong = !number_parse_i64(bytes_of(list->data, length), number) || *number < 0 ||
                *number > TOPOLOGY_NUMBER_MAXIMUM;
    length += length < list->length;
    *list = bytes_of(list->data + length, list->length - length);
    return !*is_wrong;
}

static bool is_listed(struct bytes list, uint32_t wanted) {
    int64_t number;
    bool is_wrong = false;
    while (next_number(&list, &number, &is_wrong))
        if (number == wanted)
            return true;
    return false;
}

/* Says of each shard that cannot go on by itself who shall make it go on: "1=4,2=4". */
static uint32_t survivor_of(struct bytes list, uint32_t shard) {
    while (list.length) {
        size_t equals = 0, end;
        int64_t of, node;
        while (equals < list.length && list.data[equals] != '=')
            equals++;
        for (end = equals; end < list.length && list.data[end] != ',';)
            end++;
        if (equals == list.length || !number_parse_i64(bytes_of(list.data, equals), &of) ||
            !number_parse_i64(bytes_of(list.data + equals + 1, end - equals - 1), &node))
            return 0;
        if (of == shard)
            return node > 0 && node <= TOPOLOGY_NUMBER_MAXIMUM ? (uint32_t)node : 0;
        end += end < list.length;
        list = bytes_of(list.data + end, list.length - end);
    }
    return 0;
}

/* Who goes on may be one that is wanted no more: while a change is under way it is the old replicas
 * that have the data, and where the majority went in the middle of it only they may. */
static int add_survivor(const struct topology *topology, const struct topology_shard *shard,
                        struct topology_shard *left) {
    if (left->survivor == 0 || topology_shard_has_replica(left, left->survivor))
        return 0;
    if (shard->is_settled || !topology_node(topology, left->survivor) ||
        !feature_is_on(topology, FEATURE_OLD_REPLICA_SURVIVES))
        return ERR_BUSY;
    left->replica_count -= left->replica_count == TOPOLOGY_REPLICA_MAXIMUM;
    left->replicas[left->replica_count++] = left->survivor;
    return 0;
}

/* The replicas that are left, the survivor first. ERR_BUSY: too few to go on, and nobody named who
 * could. */
static int leave_survivors(const struct topology *topology, struct topology_shard *shard,
                           struct bytes lost, struct bytes survivors, uint64_t epoch) {
    struct topology_shard left = {.survivor = survivor_of(survivors, shard->number)};
    for (unsigned i = 0; i < shard->replica_count; i++)
        if (!is_listed(lost, shard->replicas[i]))
            left.replicas[left.replica_count++] = shard->replicas[i];
    if (left.replica_count == shard->replica_count && left.survivor == 0)
        return 0;
    bool has_majority = left.replica_count * 2 > shard->replica_count;
    if (add_survivor(topology, shard, &left) || left.replica_count == 0 ||
        (!has_majority && left.survivor == 0))
        return ERR_BUSY;
    for (unsigned i = 1; i < left.replica_count; i++) {
        if (left.replicas[i] == left.survivor) {
            left.replicas[i] = left.replicas[0];
            left.replicas[0] = left.survivor;
        }
    }
    memcpy(shard->replicas, left.replicas, sizeof shard->replicas);
    shard->replica_count = left.replica_count;
    shard->survivor = left.survivor;
    shard->wanted_epoch = epoch;
    shard->is_settled = false;
    return 0;
}

static int take_lost_out(struct topology *topology, struct bytes lost) {
    int64_t number;
    bool is_wrong = false;
    for (struct bytes rest = lost; next_number(&rest, &number, &is_wrong);) {
        unsigned position;
        if (topology_was_removed(topology, (uint32_t)number)) {
            if (feature_is_on(topology, FEATURE_LOST_BESIDE_REMOVED))
                continue;
            return 0;
        }
        if (!find_node(topology, (uint32_t)number, &position))
            return ERR_NOT_FOUND;
        if (topology->removed_count == TOPOLOGY_REMOVED_MAXIMUM)
            return ERR_LIMIT;
        take_out(topology, position);
    }
    return is_wrong ? ERR_INVALID : 0;
}

/* All of it or nothing, so it is tried on a copy. */
int topology_apply_nodes_lost(struct topology *topology, const struct bytes *arguments,
                              size_t count) {
    if (count != 3 || arguments[1].length == 0)
        return ERR_INVALID;
    struct topology *tried = topology_copy(topology);
    int error = take_lost_out(tried, arguments[1]);
    bool is_news = tried->node_count < topology->node_count;
    tried->epoch += TOPOLOGY_EPOCH_RECOVERY;
    for (unsigned i = 0; i < tried->shard_count && !error; i++)
        error = leave_survivors(tried, &tried->shards[i], arguments[1], arguments[2], tried->epoch);
    if (!error && is_news) {
        struct topology old = *topology;
        *topology = *tried;
        *tried = old;
    }
    topology_free(tried);
    return error;
}
