#include "cli/client/status.h"

#include <assert.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/text/number.h"
#include "cli/client/survey.h"

enum { STATUS_SLOTS_BYTES_MAXIMUM = 128 << 10, STATUS_ADMIN_PORT_OFFSET = 2000 };

/* ---- a reader of one array, in the manner of struct cursor ---- */

struct fields {
    const struct response *at, *end;
    bool is_failed;
};

static struct fields fields_of(const struct response *array) {
    if (array->kind != RESPONSE_ARRAY)
        return (struct fields){.is_failed = true};
    const struct response *end = array->elements;
    if (end)
        end += array->element_count;
    return (struct fields){array->elements, end, false};
}

static const struct response *fields_next(struct fields *fields) {
    static const struct response NOTHING = {.kind = RESPONSE_NULL};
    if (fields->is_failed || fields->at == fields->end) {
        fields->is_failed = true;
        return &NOTHING;
    }
    return fields->at++;
}

static uint64_t fields_number(struct fields *fields) {
    const struct response *field = fields_next(fields);
    int64_t number = field->integer;
    if (field->kind != RESPONSE_INTEGER && !number_parse_i64(field->text, &number))
        fields->is_failed = true;
    return number < 0 ? 0 : (uint64_t)number;
}

static void fields_text(struct fields *fields, char *out, size_t room) {
    const struct response *field = fields_next(fields);
    if (field->text.length >= room) {
        fields->is_failed = true;
        return;
    }
    memcpy(out, field->text.length ? (const char *)field->text.data : "", field->text.length);
    out[field->text.length] = '\0';
}

/* Returns owned; "" of what is too long. */
static char *fields_owned_text(struct fields *fields, size_t most_bytes) {
    const struct response *field = fields_next(fields);
    fields->is_failed |= field->text.length > most_bytes;
    size_t length = fields->is_failed ? 0 : field->text.length;
    char *text = memory_allocate(length + 1);
    if (length > 0)
        memcpy(text, field->text.data, length);
    text[length] = 0;
    return text;
}

static struct fields fields_array(struct fields *fields) {
    struct fields inner = fields_of(fields_next(fields));
    fields->is_failed |= inner.is_failed;
    return inner;
}

/* ---- the rows ---- */

static void decode_node(struct fields row, struct status_node *node, bool *is_failed) {
    char mark[STATUS_WORD_BYTES];
    node->number = (uint32_t)fields_number(&row);
    fields_text(&row, node->id, sizeof node->id);
    fields_text(&row, node->address.host, sizeof node->address.host);
    node->address.client_port = (uint16_t)fields_number(&row);
    node->address.peer_port = (uint16_t)fields_number(&row);
    node->address.admin_port = (uint16_t)fields_number(&row);
    fields_text(&row, node->state, sizeof node->state);
    fields_text(&row, mark, sizeof mark);
    node->is_self = strcmp(mark, "self") == 0;
    *is_failed |= row.is_failed;
}

static void decode_shard(struct fields row, struct status_shard *shard, bool *is_failed) {
    shard->number = (uint32_t)fields_number(&row);
    shard->slots = fields_owned_text(&row, STATUS_SLOTS_BYTES_MAXIMUM);
    struct fields replicas = fields_array(&row);
    while (replicas.at < replicas.end && shard->replica_count < TOPOLOGY_REPLICA_MAXIMUM)
        shard->replicas[shard->replica_count++] = (uint32_t)fields_number(&replicas);
    shard->is_settled = true;
    if (row.at < row.end) {
        shard->wanted_epoch = fields_number(&row);
        shard->is_settled = fields_number(&row) != 0;
    }
    *is_failed |= row.is_failed || replicas.is_failed;
}

static void decode_replica(struct fields row, struct status_replica *replica, bool *is_failed) {
    replica->shard = (uint32_t)fields_number(&row);
    fields_text(&row, replica->role, sizeof replica->role);
    replica->term = fields_number(&row);
    replica->leader = (uint32_t)fields_number(&row);
    replica->applied_index = fields_number(&row);
    replica->commit_index = fields_number(&row);
    replica->last_index = fields_number(&row);
    replica->snapshot_index = fields_number(&row);
    if (row.at < row.end) {
        replica->learner_round = fields_number(&row);
        replica->learner_index = fields_number(&row);
        replica->is_joint = fields_number(&row) != 0;
    }
    if (row.at < row.end) {
        replica->last_term = fields_number(&row);
        replica->time_ms = fields_number(&row);
    }
    if (row.at < row.end) {
        replica->given_up = (uint32_t)fields_number(&row);
        fields_text(&row, replica->give_up_text, sizeof replica->give_up_text);
    }
    *is_failed |= row.is_failed;
}

static void decode_member(struct fields row, struct status_member *member, bool *is_failed) {
    fields_text(&row, member->uuid, sizeof member->uuid);
    fields_text(&row, member->name, sizeof member->name);
    fields_text(&row, member->peer, sizeof member->peer);
    fields_text(&row, member->state, sizeof member->state);
    fields_text(&row, member->client, sizeof member->client);
    fields_text(&row, member->cluster, sizeof member->cluster);
    if (row.at < row.end)
        fields_text(&row, member->admin, sizeof member->admin);
    if (row.at < row.end)
        member->removed = (uint32_t)fields_number(&row);
    *is_failed |= row.is_failed;
}

/* Declares how a list of rows is read: the array, then each row by its own decoder. */
#define DEFINE_DECODE_ROWS(kind)                                                                   \
    static void decode_##kind##s(struct fields *fields, struct status_##kind **rows,               \
                                 size_t *count) {                                                  \
        struct fields list = fields_array(fields);                                                 \
        *count = (size_t)(list.end - list.at);                                                     \
        *rows = memory_allocate_zeroed(*count, sizeof(**rows));                                    \
        for (size_t i = 0; i < *count; i++)                                                        \
            decode_##kind(fields_array(&list), &(*rows)[i], &fields->is_failed);                   \
    }
DEFINE_DECODE_ROWS(node)
DEFINE_DECODE_ROWS(shard)
DEFINE_DECODE_ROWS(replica)
DEFINE_DECODE_ROWS(member)

int status_decode(struct status *status, const struct response *reply) {
    *status = (struct status){0};
    struct fields fields = fields_of(reply);
    fields_text(&fields, status->version, sizeof status->version);
    fields_text(&fields, status->cluster, sizeof status->cluster);
    status->epoch = fields_number(&fields);
    status->self = (uint32_t)fields_number(&fields);
    fields_text(&fields, status->id, sizeof status->id);
    decode_nodes(&fields, &status->nodes, &status->node_count);
    decode_shards(&fields, &status->shards, &status->shard_count);
    decode_replicas(&fields, &status->replicas, &status->replica_count);
    decode_members(&fields, &status->members, &status->member_count);
    if (fields.is_failed) {
        status_release(status);
        return ERR_MALFORMED;
    }
    return 0;
}

void status_release(struct status *status) {
    for (size_t i = 0; i < status->shard_count; i++)
        memory_free(status->shards[i].slots);
    memory_free(status->nodes);
    memory_free(status->shards);
    memory_free(status->replicas);
    memory_free(status->members);
    *status = (struct status){0};
}

int status_fetch(struct status *status, const struct net_address *address, int timeout_ms,
                 char *problem) {
    struct status_answer answer = {.address = *address};
    if (status_fetch_all(&answer, 1, timeout_ms) > 0)
        memcpy(problem, answer.problem, CLIENT_PROBLEM_BYTES);
    *status = answer.status;
    return answer.error;
}

static void take_answer(struct status_answer *answer, const struct survey_answer *told) {
    char text[STATUS_ADDRESS_BYTES];
    answer->status = (struct status){0};
    answer->problem[0] = '\0';
    answer->is_silent = told->is_silent;
    answer->error = told->error ? told->error : status_decode(&answer->status, &told->reply);
    if (told->error) {
        memcpy(answer->problem, told->client.problem, CLIENT_PROBLEM_BYTES);
    } else if (answer->error) {
        net_address_format(&answer->address, text);
        snprintf(answer->problem, CLIENT_PROBLEM_BYTES,
                 "cannot understand what %s says of itself; is it of another release?", text);
    }
}

size_t status_fetch_all(struct status_answer *answers, size_t count, int timeout_ms) {
    const struct bytes words[] = {BYTES_LITERAL("TROTHDB"), BYTES_LITERAL("STATUS")};
    const struct survey survey = {.words = words, .word_count = 2, .timeout_ms = timeout_ms};
    struct survey_answer *told = memory_allocate_zeroed(count, sizeof *told);
    size_t failed = 0;
    for (size_t i = 0; i < count; i++) {
        told[i].address = answers[i].address;
        told[i].is_doubtful = answers[i].is_doubtful;
    }
    survey_ask(&survey, told, count);
    for (size_t i = 0; i < count; i++) {
        take_answer(&answers[i], &told[i]);
        failed += answers[i].error != 0;
    }
    survey_release(told, count);
    memory_free(told);
    return failed;
}

struct survey_answer *status_survey(const struct status *cluster, const struct bytes *words,
                                    size_t word_count, int timeout_ms) {
    const struct survey survey = {
        .words = words, .word_count = word_count, .timeout_ms = timeout_ms};
    struct survey_answer *answers =
        memory_allocate_zeroed(cluster->node_count, sizeof(struct survey_answer));
    for (size_t i = 0; i < cluster->node_count; i++) {
        status_node_client(&cluster->nodes[i], &answers[i].address);
        answers[i].is_doubtful = status_node_is_doubtful(&cluster->nodes[i]);
    }
    survey_ask(&survey, answers, cluster->node_count);
    return answers;
}

/* ---- looking things up ---- */

const struct status_node *status_node(const struct status *status, uint32_t number) {
    for (size_t i = 0; i < status->node_count; i++)
        if (status->nodes[i].number == number)
            return &status->nodes[i];
    return NULL;
}

const struct status_replica *status_replica(const struct status *status, uint32_t shard) {
    for (size_t i = 0; i < status->replica_count; i++)
        if (status->replicas[i].shard == shard)
            return &status->replicas[i];
    return NULL;
}

bool status_shard_wants(const struct status_shard *shard, uint32_t node) {
    for (unsigned i = 0; i < shard->replica_count; i++)
        if (shard->replicas[i] == node)
            return true;
    return false;
}

const struct status_member *status_member(const struct status *status, const char *uuid) {
    for (size_t i = 0; i < status->member_count; i++)
        if (strcmp(status->members[i].uuid, uuid) == 0)
            return &status->members[i];
    return NULL;
}

/* A spare is in nobody's topology; what it says of itself stands among the members then. */
static bool own_member_address(const struct status *status, struct topology_address *address) {
    struct net_address client, peer, admin;
    for (size_t i = 0; i < status->member_count; i++) {
        const struct status_member *member = &status->members[i];
        if (strncmp(member->uuid, status->id, STATUS_CLUSTER_BYTES - 1) == 0 &&
            !net_address_parse(&client, bytes_of_text(member->client)) &&
            !net_address_parse(&peer, bytes_of_text(member->peer))) {
            bool has_admin = !net_address_parse(&admin, bytes_of_text(member->admin));
            *address = (struct topology_address){
                .client_port = client.port,
                .peer_port = peer.port,
                .admin_port =
                    has_admin ? admin.port : (uint16_t)(client.port + STATUS_ADMIN_PORT_OFFSET)};
            memcpy(address->host, client.host, sizeof address->host);
            return true;
        }
    }
    return false;
}

bool status_own_address(const struct status *status, struct topology_address *address) {
    for (size_t i = 0; i < status->node_count; i++) {
        if (status->nodes[i].is_self) {
            *address = status->nodes[i].address;
            return true;
        }
    }
    return own_member_address(status, address);
}

void status_node_client(const struct status_node *node, struct net_address *client) {
    static_assert(sizeof client->host == sizeof node->address.host, "a host fits");
    memcpy(client->host, node->address.host, sizeof client->host);
    client->port = node->address.client_port;
}

bool status_node_is_doubtful(const struct status_node *node) {
    return strcmp(node->state, "suspect") == 0 || strcmp(node->state, "dead") == 0 ||
           strcmp(node->state, "left") == 0;
}
