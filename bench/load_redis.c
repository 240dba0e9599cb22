#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "slot/slot.h"
#include "wire/request.h"
#include "wire/response.h"

static bool prepare(struct load *load) {
    load_deal_all_keys(load);
    return true;
}

/* ---- a cluster: who leads which slots ---- */

static bool ask(struct load_target *target, const char *command, struct buffer *input,
                struct response *reply) {
    int connection = load_connect(target->host, target->port);
    ssize_t got = connection < 0 ? -1 : send(connection, command, strlen(command), MSG_NOSIGNAL);
    size_t consumed;
    int status = 0;
    while (got > 0 && status == 0) {
        uint8_t *room = buffer_reserve(input, 65536);
        got = room ? recv(connection, room, 65536, 0) : -1;
        if (got > 0) {
            buffer_grew(input, (size_t)got);
            status = response_parse(buffer_bytes(input), reply, &consumed);
        }
    }
    if (connection >= 0)
        close(connection);
    return status == 1;
}

static struct load_target *target_of(struct load *load, struct bytes host, uint16_t port) {
    char text[64];
    snprintf(text, sizeof text, "%.*s", BYTES_PRINT(host));
    for (unsigned i = 0; i < load->target_count; i++)
        if (strcmp(load->targets[i].host, text) == 0 && load->targets[i].port == port)
            return &load->targets[i];
    if (load->target_count == LOAD_TARGET_MAXIMUM)
        return NULL;
    struct load_target *target = &load->targets[load->target_count++];
    *target = (struct load_target){.port = port};
    memcpy(target->host, text, sizeof text);
    return target;
}

static void format_key(char out[LOAD_KEY_BYTES + 1], uint32_t key) {
    snprintf(out, LOAD_KEY_BYTES + 1, "key:%012u", key);
}

static bool deal_keys(struct load *load, struct load_target **owners) {
    for (uint32_t key = 0; key < load->key_count; key++) {
        char text[LOAD_KEY_BYTES + 1];
        format_key(text, key);
        struct load_target *target = owners[slot_of_key(bytes_of(text, LOAD_KEY_BYTES))];
        if (!target) {
            snprintf(load->problem, sizeof load->problem, "not every slot has a leader");
            return false;
        }
        if (!target->keys)
            target->keys = memory_allocate(load->key_count * sizeof(uint32_t));
        target->keys[target->key_count++] = key;
    }
    return true;
}

/* A follower that leads nothing gets no connections: clients of a cluster go to leaders. */
static void drop_idle_targets(struct load *load) {
    unsigned kept = 0;
    for (unsigned i = 0; i < load->target_count; i++)
        if (load->targets[i].key_count)
            load->targets[kept++] = load->targets[i];
    load->target_count = kept;
}

static bool note_owners(struct load *load, const struct response *slots,
                        struct load_target **owners) {
    for (size_t i = 0; i < slots->element_count; i++) {
        const struct response *range = &slots->elements[i];
        if (range->element_count < 3 || range->elements[2].element_count < 2)
            return false;
        const struct response *leader = range->elements[2].elements;
        struct load_target *target = target_of(load, leader[0].text, (uint16_t)leader[1].integer);
        for (int64_t slot = range->elements[0].integer; slot <= range->elements[1].integer; slot++)
            owners[slot % SLOT_COUNT] = target;
    }
    return true;
}

static bool prepare_cluster(struct load *load) {
    struct load_target **owners = memory_allocate_zeroed(SLOT_COUNT, sizeof *owners);
    struct response slots;
    struct buffer input;
    buffer_init(&input, LOAD_BUFFER_MAXIMUM);
    bool is_done = ask(&load->targets[0], "CLUSTER SLOTS\r\n", &input, &slots);
    if (is_done) {
        is_done = note_owners(load, &slots, owners) && deal_keys(load, owners);
        response_release(&slots);
        drop_idle_targets(load);
    } else {
        snprintf(load->problem, sizeof load->problem, "CLUSTER SLOTS is not answered");
    }
    buffer_release(&input);
    memory_free(owners);
    return is_done;
}

/* ---- batches ---- */

static bool open_connection(struct load *load, struct load_connection *connection) {
    (void)load;
    (void)connection;
    return true;
}

static void close_connection(struct load_connection *connection) { (void)connection; }

static void append(struct load *load, struct load_connection *connection, const uint32_t *keys,
                   unsigned count) {
    char key[LOAD_KEY_BYTES + 1];
    bool is_get = load->operation == LOAD_GET;
    for (unsigned i = 0; i < count; i++) {
        format_key(key, keys[i]);
        struct bytes arguments[] = {is_get ? BYTES_LITERAL("GET") : BYTES_LITERAL("SET"),
                                    bytes_of(key, LOAD_KEY_BYTES),
                                    bytes_of(load->value, load->value_bytes)};
        request_encode(&connection->output, arguments, is_get ? 2 : 3);
    }
}

static bool take(struct load *load, struct load_connection *connection) {
    size_t consumed;
    int status;
    while (connection->awaited > 0 &&
           (status = response_skip(buffer_bytes(&connection->input), &consumed)) != 0) {
        if (status < 0) {
            snprintf(load->problem, sizeof load->problem, "not a reply of the Redis protocol");
            return false;
        }
        const uint8_t *reply = buffer_data(&connection->input);
        if (reply[0] == '-')
            load_note_error(load, bytes_of(reply, consumed - 2));
        else if (load->operation == LOAD_GET && memcmp(reply, "$-1", 3) == 0)
            load_note_error(load, BYTES_LITERAL("a key is missing"));
        buffer_consume(&connection->input, consumed);
        connection->awaited--;
    }
    return true;
}

const struct load_protocol LOAD_REDIS = {prepare, open_connection, close_connection, append, take};
const struct load_protocol LOAD_REDIS_CLUSTER = {prepare_cluster, open_connection, close_connection,
                                                 append, take};
