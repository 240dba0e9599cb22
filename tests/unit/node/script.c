/* The interpreter of tests/script/member/: GOSSIP and its channels, asked of a node that is alone
 * in its cluster. With --rewrite it writes what is replied into the script.
 *
 *      # comment
 *      ann> GOSSIP SET color red       a command of a client; its reply stands below it
 *      OK
 *      bob hears                       what another client is told meanwhile
 *      1) "message"
 *
 * A client connects when it first says something: the first to one worker of the node, the second
 * to the other, and so on in turns.
 */
#include "../command/script_text.h"
#include "base/check.h"
#include "world.h"
#include <string.h>

enum { WORKERS = 2, NAME_BYTES = 16, LINE_BYTES = 1024 };

struct person {
    char name[NAME_BYTES];
    struct client *client;
};

struct scene {
    struct world *world;
    struct person people[WORLD_CLIENT_MAXIMUM];
    unsigned people_count;
};

static struct person *person_of(struct scene *scene, struct bytes name) {
    for (unsigned i = 0; i < scene->people_count; i++)
        if (bytes_equal(bytes_of_text(scene->people[i].name), name))
            return &scene->people[i];
    CHECK(scene->people_count < WORLD_CLIENT_MAXIMUM && name.length < NAME_BYTES);
    struct person *person = &scene->people[scene->people_count];
    memcpy(person->name, name.data, name.length);
    person->client = world_connect(scene->world, scene->people_count++ % WORKERS);
    CHECK(person->client != NULL);
    return person;
}

static void replies_print(struct bytes replies, struct buffer *out) {
    while (replies.length > 0) {
        struct response response;
        size_t consumed;
        CHECK(response_parse(replies, &response, &consumed) == 1);
        script_print(out, &response, 0);
        response_release(&response);
        replies = bytes_of(replies.data + consumed, replies.length - consumed);
    }
}

/* One speaks; then each other is told of who hears something. */
static void line_run(struct scene *scene, struct bytes name, struct bytes command,
                     struct buffer *out) {
    char text[LINE_BYTES];
    struct person *speaker = person_of(scene, name);
    CHECK(command.length < sizeof text);
    snprintf(text, sizeof text, "%.*s", BYTES_PRINT(command));
    client_ask(speaker->client, text);
    replies_print(bytes_of_text(client_take(speaker->client)), out);
    for (unsigned i = 0; i < scene->people_count; i++) {
        struct person *hearer = &scene->people[i];
        struct bytes heard = bytes_of_text(client_take(hearer->client));
        if (heard.length > 0)
            buffer_append_format(out, "%s hears\n", hearer->name);
        replies_print(heard, out);
    }
}

/* Where the command begins in "NAME> command"; 0: this is no such line. */
static size_t command_begin(struct bytes line) {
    size_t at = 0;
    while (at < line.length && line.data[at] >= 'a' && line.data[at] <= 'z')
        at++;
    bool is_command = at > 0 && at + 2 < line.length && line.data[at] == '>';
    return is_command && line.data[at + 1] == ' ' ? at + 2 : 0;
}

static void scene_run(struct bytes script, struct buffer *out) {
    struct scene scene = {.world = world_new(WORKERS, NULL)};
    bool is_reply = false;
    while (script.length > 0) {
        struct bytes line = script_line_cut(&script);
        size_t begin = command_begin(line);
        if (line.length == 0 || line.data[0] == '#' || begin > 0)
            is_reply = false;
        if (is_reply)
            continue;
        buffer_append_bytes(out, line);
        buffer_append_u8(out, '\n');
        is_reply = begin > 0;
        if (begin > 0)
            line_run(&scene, bytes_of(line.data, begin - 2),
                     bytes_of(line.data + begin, line.length - begin), out);
    }
    world_free(scene.world);
}

int main(int argument_count, char **arguments) {
    return script_main(argument_count, arguments, scene_run);
}
