#include "cli/gossip/keys_members.h"
#include "base/memory.h"
#include "cli/gossip/gossip_client.h"
#include <stdio.h>

/* ---- who is there ---- */

static void copy_text(char *out, size_t room, struct bytes text) {
    snprintf(out, room, "%.*s", BYTES_PRINT(text));
}

static void member_take(struct keys_member *member, const struct response *row) {
    *member = (struct keys_member){.client = {.socket = -1}};
    copy_text(member->id, sizeof member->id, response_field_text(row, "id"));
    copy_text(member->name, sizeof member->name, response_field_text(row, "name"));
    member->is_agent = bytes_equal(response_field_text(row, "kind"), BYTES_LITERAL("agent"));
    copy_text(member->state, sizeof member->state, response_field_text(row, "state"));
    if (net_address_parse(&member->address, response_field_text(row, "client")) != 0)
        member->address.port = 0;
}

bool keys_member_lives(const struct keys_member *member) {
    return strcmp(member->state, "dead") != 0 && strcmp(member->state, "left") != 0 &&
           strcmp(member->state, KEYS_STATE_AWAY) != 0;
}

/* Somebody lives where it was: it came back as another member, as agents without a directory do. */
static bool is_succeeded(const struct keys_members *all, const struct keys_member *dead) {
    for (size_t i = 0; i < all->count; i++)
        if (keys_member_lives(&all->members[i]) && dead->address.port != 0 &&
            all->members[i].address.port == dead->address.port &&
            strcmp(all->members[i].address.host, dead->address.host) == 0)
            return true;
    return false;
}

static void leave_out_succeeded(struct keys_members *all) {
    size_t kept = 0;
    for (size_t i = 0; i < all->count; i++)
        if (keys_member_lives(&all->members[i]) || !is_succeeded(all, &all->members[i]))
            all->members[kept++] = all->members[i];
    all->count = kept;
}

static int members_take(struct keys_members *all, const struct response *reply, char *problem) {
    all->members = memory_allocate_zeroed(reply->element_count, sizeof *all->members);
    for (size_t i = 0; i < reply->element_count; i++) {
        if (reply->elements[i].kind != RESPONSE_MAP) {
            snprintf(problem, CLIENT_PROBLEM_BYTES, "its answer to GOSSIP MEMBERS has no members");
            return ERR_MALFORMED;
        }
        member_take(&all->members[all->count], &reply->elements[i]);
        all->count += strcmp(all->members[all->count].state, "left") != 0;
    }
    leave_out_succeeded(all);
    return 0;
}

int keys_members_find(struct keys_members *all, const char *at, char *problem) {
    struct net_address address;
    struct client client;
    struct response reply;
    *all = (struct keys_members){0};
    int code = client_address(&address, at, problem);
    if (code != 0)
        return code;
    code = client_open(&client, &address, KEYS_ASK_MS);
    if (code == 0)
        code = client_call_text(&client, "HELLO 3", &reply);
    if (code == 0) {
        response_release(&reply);
        code = client_call_text(&client, "GOSSIP MEMBERS", &reply);
    }
    if (code != 0) {
        snprintf(problem, CLIENT_PROBLEM_BYTES, "%s", client.problem);
    } else {
        code = members_take(all, &reply, problem);
        response_release(&reply);
    }
    client_close(&client);
    return code;
}

void keys_members_release(struct keys_members *all) {
    for (size_t i = 0; i < all->count; i++)
        if (all->members[i].is_open)
            client_close(&all->members[i].client);
    memory_free(all->members);
}

/* ---- a step on all ---- */

/* 0, or `problem` says why the member could not be asked. */
static int member_open(struct keys_member *member) {
    struct response reply;
    if (member->is_open)
        return 0;
    if (member->address.port == 0) {
        snprintf(member->problem, sizeof member->problem,
                 "it has no client port to be asked at; its keys are changed where it runs");
        return ERR_NOT_FOUND;
    }
    int code = client_open(&member->client, &member->address, KEYS_ASK_MS);
    if (code == 0)
        code = client_call_text(&member->client, "HELLO 3", &reply);
    if (code == 0)
        response_release(&reply);
    else
        snprintf(member->problem, sizeof member->problem, "%s", member->client.problem);
    member->is_open = code == 0;
    return code;
}

/* 0 with the reply, to be released; or `problem` says what is wrong. */
static int member_call(struct keys_member *member, const char *action, const char *argument,
                       struct response *reply) {
    const struct bytes words[] = {BYTES_LITERAL("GOSSIP"), BYTES_LITERAL("KEYS"),
                                  bytes_of_text(action),
                                  bytes_of_text(argument != NULL ? argument : "")};
    member->problem[0] = 0;
    int code = member_open(member);
    if (code != 0)
        return code;
    code = client_call(&member->client, words, argument != NULL ? 4 : 3, reply);
    if (code != 0)
        snprintf(member->problem, sizeof member->problem, "%s", member->client.problem);
    return code;
}

size_t keys_members_step(struct keys_members *all, const char *action, const char *argument) {
    size_t failed = 0;
    for (size_t i = 0; i < all->count; i++) {
        struct response reply;
        if (!keys_member_lives(&all->members[i]))
            continue;
        if (member_call(&all->members[i], action, argument, &reply) == 0)
            response_release(&reply);
        else
            failed++;
    }
    return failed;
}

static void member_take_ids(struct keys_member *member, const struct response *reply) {
    member->id_count = 0;
    for (size_t i = 0; i < reply->element_count && i < SEAL_KEYS_MAXIMUM; i++) {
        const struct response *key = &reply->elements[i];
        if (key->kind == RESPONSE_MAP)
            copy_text(member->ids[member->id_count++], SEAL_ID_TEXT_BYTES,
                      response_field_text(key, "id"));
    }
}

size_t keys_members_list(struct keys_members *all) {
    size_t failed = 0;
    for (size_t i = 0; i < all->count; i++) {
        struct response reply;
        if (!keys_member_lives(&all->members[i]))
            continue;
        if (member_call(&all->members[i], "LIST", NULL, &reply) == 0) {
            member_take_ids(&all->members[i], &reply);
            response_release(&reply);
        } else {
            failed++;
        }
    }
    return failed;
}

size_t keys_members_away(const struct keys_members *all) {
    size_t count = 0;
    for (size_t i = 0; i < all->count; i++)
        count += !keys_member_lives(&all->members[i]);
    return count;
}

void keys_members_leave_out(struct keys_members *all) {
    size_t kept = 0;
    for (size_t i = 0; i < all->count; i++) {
        struct keys_member *member = &all->members[i];
        if (keys_member_lives(member) && member->problem[0] == 0)
            all->members[kept++] = *member;
        else if (member->is_open)
            client_close(&member->client);
    }
    all->count = kept;
}
