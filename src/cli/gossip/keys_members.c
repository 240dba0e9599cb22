#include "cli/gossip/keys_members.h"
#include "base/memory.h"
#include "cli/client/survey.h"
#include "cli/gossip/gossip_client.h"
#include <stdio.h>

/* ---- who is there ---- */

static void copy_text(char *out, size_t room, struct bytes text) {
    snprintf(out, room, "%.*s", BYTES_PRINT(text));
}

static void member_read(struct keys_member *member, const struct response *row) {
    *member = (struct keys_member){0};
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
        member_read(&all->members[all->count], &reply->elements[i]);
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

void keys_members_release(struct keys_members *all) { memory_free(all->members); }

/* ---- a step on all ---- */

/* What a member answered: its ids, if that was the question. */
static void member_take_ids(struct keys_member *member, const struct response *reply) {
    member->id_count = 0;
    for (size_t i = 0; i < reply->element_count && i < SEAL_KEYS_MAXIMUM; i++) {
        const struct response *key = &reply->elements[i];
        if (key->kind == RESPONSE_MAP)
            copy_text(member->ids[member->id_count++], SEAL_ID_TEXT_BYTES,
                      response_field_text(key, "id"));
    }
}

/* Of those that live and cannot be asked, `problem` says why. */
static bool can_be_asked(struct keys_member *member) {
    member->problem[0] = 0;
    if (!keys_member_lives(member))
        return false;
    if (member->address.port == 0) {
        snprintf(member->problem, sizeof member->problem,
                 "it has no client port to be asked at; its keys are changed where it runs");
    }
    return member->problem[0] == 0;
}

static void take_answer(struct keys_member *member, const struct survey_answer *answer,
                        bool is_list) {
    if (answer->error)
        memcpy(member->problem, answer->client.problem, CLIENT_PROBLEM_BYTES);
    else if (is_list)
        member_take_ids(member, &answer->reply);
}

static void ask_all(struct keys_members *all, const struct survey *survey, bool is_list) {
    struct survey_answer *answers = memory_allocate_zeroed(all->count, sizeof *answers);
    struct keys_member **asked = memory_allocate_zeroed(all->count, sizeof *asked);
    size_t count = 0;
    for (size_t i = 0; i < all->count; i++) {
        if (can_be_asked(&all->members[i])) {
            answers[count].address = all->members[i].address;
            asked[count++] = &all->members[i];
        }
    }
    /* Members of one machine may share the file of their keys: it is changed by one at a time. */
    for (size_t i = 0, some; i < count; i += some) {
        some = is_list ? count : 1;
        survey_ask(survey, &answers[i], some);
    }
    for (size_t i = 0; i < count; i++)
        take_answer(asked[i], &answers[i], is_list);
    survey_release(answers, count);
    memory_free(answers);
    memory_free(asked);
}

static size_t count_problems(const struct keys_members *all) {
    size_t count = 0;
    for (size_t i = 0; i < all->count; i++)
        count += all->members[i].problem[0] != 0;
    return count;
}

size_t keys_members_step(struct keys_members *all, const char *action, const char *argument) {
    const struct bytes words[] = {BYTES_LITERAL("GOSSIP"), BYTES_LITERAL("KEYS"),
                                  bytes_of_text(action),
                                  bytes_of_text(argument != NULL ? argument : "")};
    const struct survey survey = {.words = words,
                                  .word_count = argument != NULL ? 4 : 3,
                                  .timeout_ms = KEYS_ASK_MS,
                                  .is_resp3 = true};
    ask_all(all, &survey, strcmp(action, "LIST") == 0);
    return count_problems(all);
}

size_t keys_members_list(struct keys_members *all) { return keys_members_step(all, "LIST", NULL); }

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
    }
    all->count = kept;
}
