#include "s3_server.h"

#include "../unit.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST_BYTES = 16 << 10 };

/* ---- a request ---- */

struct request {
    char text[REQUEST_BYTES]; /* head and body */
    size_t length, head_bytes, body_bytes;
};

static size_t length_of_body(const char *head) {
    const char *at = strcasestr(head, "\r\ncontent-length:");
    return at ? strtoul(at + strlen("\r\ncontent-length:"), NULL, 10) : 0;
}

/* False: it was broken off. */
static bool read_request(int connection, struct request *request, bool is_head_enough) {
    request->length = request->head_bytes = 0;
    for (;;) {
        ssize_t got = recv(connection, request->text + request->length,
                           REQUEST_BYTES - 1 - request->length, 0);
        if (got <= 0)
            return false;
        request->length += (size_t)got;
        request->text[request->length] = 0;
        const char *end = strstr(request->text, "\r\n\r\n");
        if (!end)
            continue;
        request->head_bytes = (size_t)(end - request->text) + 4;
        request->body_bytes = length_of_body(request->text);
        if (is_head_enough || request->length >= request->head_bytes + request->body_bytes)
            return true;
    }
}

/* ---- its answer ---- */

static const char LISTING[] =
    "<?xml version=\"1.0\"?><ListBucketResult><IsTruncated>false</IsTruncated><Contents>"
    "<Key>prefix/blob</Key><Size>4</Size></Contents></ListBucketResult>";
static const char EMPTY_LISTING[] = "<?xml version=\"1.0\"?><ListBucketResult>"
                                    "<IsTruncated>false</IsTruncated></ListBucketResult>";

static void send_all(const struct s3_server *server, int connection, const void *data,
                     size_t length) {
    const char *at = data;
    while (length > 0) {
        ssize_t sent = send(connection, at, server->drip_us ? 1 : length, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        at += sent;
        length -= (size_t)sent;
        if (server->drip_us)
            usleep(server->drip_us);
    }
}

static void reply(const struct s3_server *server, int connection, const char *status,
                  const void *body, size_t length) {
    char head[128];
    snprintf(head, sizeof head, "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
             status, length);
    send_all(server, connection, head, strlen(head));
    send_all(server, connection, body, length);
}

static void put(struct s3_server *server, int connection, const struct request *request) {
    server->put_count++;
    server->has_blob = true;
    server->blob_bytes = request->body_bytes;
    memcpy(server->blob, request->text + request->head_bytes, request->body_bytes);
    reply(server, connection, "200 OK", "", 0);
}

static void get(struct s3_server *server, int connection) {
    server->get_count++;
    if (server->has_blob)
        reply(server, connection, "200 OK", server->blob, server->blob_bytes);
    else
        reply(server, connection, "404 Not Found", "", 0);
}

static void list(struct s3_server *server, int connection) {
    const char *listing = server->has_blob ? LISTING : EMPTY_LISTING;
    server->list_count++;
    reply(server, connection, "200 OK", listing, strlen(listing));
}

static void remove_blob(struct s3_server *server, int connection) {
    server->remove_count++;
    server->has_blob = false;
    reply(server, connection, "204 No Content", "", 0);
}

static bool begins(const struct request *request, const char *words) {
    return strncmp(request->text, words, strlen(words)) == 0;
}

static void answer(struct s3_server *server, int connection, const struct request *request) {
    if (server->answer.data)
        send_all(server, connection, server->answer.data, server->answer.length);
    else if (server->is_hasty)
        reply(server, connection, "200 OK", "", 0);
    else if (begins(request, "PUT /bucket/prefix/blob "))
        put(server, connection, request);
    else if (begins(request, "GET /bucket/prefix/blob "))
        get(server, connection);
    else if (begins(request, "GET /bucket?") || begins(request, "GET /bucket "))
        list(server, connection);
    else if (begins(request, "DELETE /bucket/prefix/blob "))
        remove_blob(server, connection);
    else
        server->wrong_count++;
}

/* ---- its life ---- */

static bool is_hasty(struct s3_server *server) {
    pthread_mutex_lock(&server->mutex);
    bool is_hasty = server->is_hasty;
    pthread_mutex_unlock(&server->mutex);
    return is_hasty;
}

static void *serve(void *context) {
    struct s3_server *server = context;
    struct request request;
    for (int connection; (connection = accept(server->listener, NULL, NULL)) >= 0;) {
        if (read_request(connection, &request, is_hasty(server))) {
            pthread_mutex_lock(&server->mutex);
            answer(server, connection, &request);
            pthread_mutex_unlock(&server->mutex);
        }
        shutdown(connection, SHUT_WR);
        close(connection);
    }
    return NULL;
}

void s3_server_start(struct s3_server *server) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    *server = (struct s3_server){.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_true(server->listener >= 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(server->listener, 16), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &length), 0);
    server->port = ntohs(address.sin_port);
    assert_int_equal(pthread_mutex_init(&server->mutex, NULL), 0);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

void s3_server_stop(struct s3_server *server) {
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    pthread_mutex_destroy(&server->mutex);
}

void s3_server_answer(struct s3_server *server, struct bytes answer) {
    pthread_mutex_lock(&server->mutex);
    server->answer = answer;
    pthread_mutex_unlock(&server->mutex);
}

void s3_server_drip(struct s3_server *server, unsigned drip_us) {
    pthread_mutex_lock(&server->mutex);
    server->drip_us = drip_us;
    pthread_mutex_unlock(&server->mutex);
}

void s3_server_be_hasty(struct s3_server *server, bool is_hasty) {
    pthread_mutex_lock(&server->mutex);
    server->is_hasty = is_hasty;
    pthread_mutex_unlock(&server->mutex);
}
