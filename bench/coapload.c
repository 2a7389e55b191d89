/*
 * coapload - a small, fast CoAP load generator (one thread, epoll, connected UDP sockets, no dependencies).
 *
 * BUILD   gcc -O2 -Wall -Wextra -o coapload coapload.c      (bench/coap/load.ts does it)
 *
 * USAGE   coapload MODE [options]
 *
 *   MODE  request   P clients, each with one confirmable request open at a time (NSTART 1, RFC 7252 4.7)
 *         observe   P clients observe the resource (RFC 7641), and stay; reports what of the server's RSS each takes
 *
 *   -p PORT     port of the server (127.0.0.1)                      default 5683
 *   -P N        clients, a socket and a port each                   default 50
 *   -m METHOD   request: get|put|post                               default post
 *   -u PATH     path, segments divided by slashes                   default readings
 *   -s BYTES    payload size                                        default 20
 *   -t SECS     measured seconds; observe: how long it stays        default 5
 *   -W SECS     warm-up seconds (before the measured ones)          default 1
 *   -n COUNT    stop after COUNT requests instead of -t (then -W 0)
 *   -c PID      sample this process's CPU time and RSS
 *
 * A client takes a new port when it has used up the message ids of one: an id may not come again within the 247 s of
 * EXCHANGE_LIFETIME, and a server that answers a repeated one from its memory would seem faster than it is.
 *
 * REPORT  one JSON object on stdout:
 *   req/s             answers per measured second
 *   sent, answered, refused (4.xx, 5.xx), again (retransmissions), failed (given up), strange (nobody asked)   whole run
 *   lat_us            {p50,p90,p99,p999,max}, first transmission to answer, measured seconds only
 *   cpu               of -c PID: us per answer, % of a core, RSS kB at the start and the end; observe: bytes per observation
 *   gen_busy_pct      how long this generator had something to do, % of the time (near 100: it is the limit). It asks for
 *                     answers without ever sleeping: to wake up a sleeper takes a server longer than to answer it
 * Exit status: 0; 2 when something failed or was refused; 1 on error.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define IDS_A_PORT 60000
#define RETRY_NS 2000000000ull
#define MAX_RETRY 4
#define MAX_MESSAGE 2048

/* ---- options ---- */
static int observing, port = 5683, nclients = 50, psize = 20, watched = 0;
static uint8_t method = 2;
static const char *path = "readings";
static double secs = 5, warm = 1;
static int64_t count_limit = 0;

/* ---- log-linear histogram, about 3 % resolution ---- */
#define HSUB 32
#define HBUCKETS (64 * HSUB)
static struct { uint64_t n[HBUCKETS], total, max; } lat;
static void hist_add(uint64_t v) {
    int b;
    if (v < HSUB) b = (int)v;
    else { int e = 63 - __builtin_clzll(v); b = (e - 4) * HSUB + (int)((v >> (e - 5)) & (HSUB - 1)); }
    lat.n[b]++; lat.total++;
    if (v > lat.max) lat.max = v;
}
static uint64_t hist_q(double q) {
    uint64_t want = (uint64_t)(q * (double)lat.total), acc = 0;
    for (int b = 0; b < HBUCKETS; b++) {
        acc += lat.n[b];
        if (acc > want) return b < HSUB ? (uint64_t)b : ((uint64_t)1 << (b / HSUB + 4)) + ((uint64_t)(b % HSUB) << (b / HSUB - 1));
    }
    return lat.max;
}

/* ---- clients ---- */
typedef struct {
    int fd, used, tries, waiting;
    uint16_t mid;
    uint32_t token;             /* of the open request, or of the observation */
    uint64_t first_tx, retry_at;
    uint8_t out[MAX_MESSAGE]; size_t len;
    int registered;
} client;

static client *clients; static int ep;
static uint64_t sent, answered, refused, again, failed, strange, m_answered, notified;
static uint64_t busy_ns;
static int measuring, asking = 1;
static uint8_t template_[MAX_MESSAGE]; static size_t template_len;

static void die(const char *what) { perror(what); exit(1); }
static uint64_t now_ns(void) {
    struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}
static uint32_t random32(void) {
    static uint64_t s; if (!s) s = now_ns() ^ ((uint64_t)getpid() << 32);
    s ^= s << 13; s ^= s >> 7; s ^= s << 17;
    return (uint32_t)(s >> 16);
}

/* Everything behind the token, which is the same in each request. */
static void make_template(void) {
    uint8_t *p = template_;
    int last = 0;
    if (observing) { *p++ = 6 << 4; last = 6; }                        /* Observe 0: no bytes */
    char *copy = strdup(path), *rest = copy, *segment;
    while ((segment = strsep(&rest, "/"))) {
        size_t n = strlen(segment);
        if (n == 0) continue;
        if (n > 12) { fprintf(stderr, "coapload: a segment of the path has at most 12 bytes\n"); exit(1); }
        *p++ = (uint8_t)((11 - last) << 4 | (int)n); last = 11;
        memcpy(p, segment, n); p += n;
    }
    free(copy);
    if (!observing && method != 1) {
        *p++ = (uint8_t)((12 - last) << 4);                            /* Content-Format 0: no bytes */
        *p++ = 0xff;
        for (int i = 0; i < psize; i++) *p++ = (uint8_t)("21.5"[i & 3]);
    }
    template_len = (size_t)(p - template_);
}

static void open_client(client *c) {
    if (c->fd >= 0) close(c->fd);
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    c->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0) die("socket");
    int size = 1 << 20; setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
    if (epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e) < 0) die("epoll_ctl");
    c->mid = (uint16_t)random32();
    c->used = 0;
}

static void transmit(client *c) { if (send(c->fd, c->out, c->len, 0) < 0 && errno != ECONNREFUSED && errno != EAGAIN) die("send"); }

static void ask(client *c, uint64_t t) {
    if (c->used++ == IDS_A_PORT) { open_client(c); c->used = 1; }
    c->mid++;
    c->token = random32();
    c->out[0] = 0x44; c->out[1] = observing ? 1 : method;
    c->out[2] = (uint8_t)(c->mid >> 8); c->out[3] = (uint8_t)c->mid;
    memcpy(c->out + 4, &c->token, 4);
    memcpy(c->out + 8, template_, template_len);
    c->len = 8 + template_len;
    c->first_tx = t; c->retry_at = t + RETRY_NS; c->tries = 0; c->waiting = 1;
    sent++;
    transmit(c);
}

static void empty(client *c, int type, const uint8_t *m) {
    uint8_t reply[4] = { (uint8_t)(0x40 | type << 4), 0, m[2], m[3] };
    if (send(c->fd, reply, 4, 0) < 0 && errno != ECONNREFUSED && errno != EAGAIN) die("send");
}

/* Whether the request may be followed by the next. */
static int hear(client *c, const uint8_t *m, ssize_t n, uint64_t t) {
    if (n < 4 || m[0] >> 6 != 1) { strange++; return 0; }
    int type = (m[0] >> 4) & 3, tkl = m[0] & 15;
    if (m[1] == 0) {
        if (type == 3 && c->waiting) { failed++; c->waiting = 0; return 1; }
        c->retry_at = UINT64_MAX;                                      /* acknowledged: the answer comes separately */
        return 0;
    }
    if (type == 0) empty(c, 2, m);
    uint32_t token = 0; if (tkl == 4 && n >= 8) memcpy(&token, m + 4, 4);
    if (!c->waiting || tkl != 4 || token != c->token) {
        if (c->registered && tkl == 4 && token == c->token) notified++; else strange++;
        return 0;
    }
    c->waiting = 0; answered++;
    if (m[1] >> 5 != 2) refused++;
    c->registered = observing;
    if (measuring) { m_answered++; hist_add((t - c->first_tx) / 1000); }
    return 1;
}

static int may_ask(client *c) {
    return asking && !c->registered && (!count_limit || (int64_t)sent < count_limit);
}

static void pump(int ms) {
    struct epoll_event ready[256];
    uint8_t m[MAX_MESSAGE];
    int n = epoll_wait(ep, ready, 256, ms);
    if (n <= 0) return;
    const uint64_t begun = now_ns();
    for (int i = 0; i < n; i++) {
        client *c = ready[i].data.ptr;
        for (;;) {
            ssize_t got = recv(c->fd, m, sizeof m, 0);
            if (got < 0) break;                                        /* ECONNREFUSED as well: it is asked again in time */
            uint64_t t = now_ns();
            if (hear(c, m, got, t) && may_ask(c)) { ask(c, t); break; }
        }
    }
    busy_ns += now_ns() - begun;
}

static void retry(uint64_t t) {
    for (int i = 0; i < nclients; i++) {
        client *c = &clients[i];
        if (!c->waiting || t < c->retry_at) continue;
        if (c->tries == MAX_RETRY) { failed++; c->waiting = 0; if (may_ask(c)) ask(c, t); continue; }
        c->tries++; again++;
        c->retry_at = t + (RETRY_NS << c->tries);
        transmit(c);
    }
}

/* ---- what processes use ---- */
typedef struct { double cpu; long rss; } sample;
static sample sample_pid(int pid) {
    sample s = { 0, 0 };
    char name[64], line[1024];
    snprintf(name, sizeof name, "/proc/%d/stat", pid);
    FILE *f = fopen(name, "r");
    if (!f) die(name);
    if (fgets(line, sizeof line, f)) {
        char *at = strrchr(line, ')'); unsigned long u = 0, k = 0;
        if (at && sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &u, &k) == 2) s.cpu = (double)(u + k) / (double)sysconf(_SC_CLK_TCK);
    }
    fclose(f);
    snprintf(name, sizeof name, "/proc/%d/status", pid);
    if (!(f = fopen(name, "r"))) die(name);
    while (fgets(line, sizeof line, f)) sscanf(line, "VmRSS: %ld", &s.rss);
    fclose(f);
    return s;
}
static struct { uint64_t at, busy; sample proc; } from, to;
static void begin_measuring(void) { from.at = now_ns(); if (watched) from.proc = sample_pid(watched); from.busy = busy_ns; measuring = 1; }
static void end_measuring(void) { measuring = 0; to.at = now_ns(); if (watched) to.proc = sample_pid(watched); to.busy = busy_ns; }

static int open_requests(void) { for (int i = 0; i < nclients; i++) if (clients[i].waiting) return 1; return 0; }

static void run_requests(void) {
    const uint64_t start = now_ns(), measure = start + (uint64_t)(warm * 1e9), until = measure + (uint64_t)(secs * 1e9);
    uint64_t looked = start;
    if (count_limit) begin_measuring();
    for (int i = 0; i < nclients; i++) if (may_ask(&clients[i])) ask(&clients[i], now_ns());
    while (asking || open_requests()) {
        pump(0);
        uint64_t t = now_ns();
        if (!count_limit && !measuring && asking && t >= measure) begin_measuring();
        if (asking && (count_limit ? (int64_t)sent >= count_limit : t >= until)) { asking = 0; if (!count_limit) end_measuring(); }
        if (t - looked > 10000000) { retry(t); looked = t; }
    }
    if (count_limit) end_measuring();
}

static void run_observe(void) {
    uint64_t looked = now_ns();
    begin_measuring();
    for (int next = 0; next < nclients || open_requests();) {
        /* A burst beyond the server's socket buffer would only be sent again. */
        for (; next < nclients && sent - answered - failed < 50; next++) ask(&clients[next], now_ns());
        pump(10);
        uint64_t t = now_ns();
        if (t - looked > 10000000) { retry(t); looked = t; }
    }
    const uint64_t until = now_ns() + (uint64_t)(secs * 1e9);
    while (now_ns() < until) pump(10);
    end_measuring();
}

static void print_report(void) {
    double el = (double)(to.at - from.at) / 1e9, cpu = to.proc.cpu - from.proc.cpu;
    printf("{\"req/s\":%.0f,\"sent\":%llu,\"answered\":%llu,\"refused\":%llu,\"again\":%llu,\"failed\":%llu,\"strange\":%llu,\"notified\":%llu,", (double)m_answered / el, (unsigned long long)sent, (unsigned long long)answered, (unsigned long long)refused, (unsigned long long)again, (unsigned long long)failed, (unsigned long long)strange, (unsigned long long)notified);
    printf("\"lat_us\":{\"p50\":%llu,\"p90\":%llu,\"p99\":%llu,\"p999\":%llu,\"max\":%llu},", (unsigned long long)hist_q(.5), (unsigned long long)hist_q(.9), (unsigned long long)hist_q(.99), (unsigned long long)hist_q(.999), (unsigned long long)lat.max);
    printf("\"cpu\":{\"us_per_req\":%.2f,\"pct\":%.0f,\"rss0_kb\":%ld,\"rss1_kb\":%ld,\"bytes_per_observation\":%.0f},", m_answered ? cpu * 1e6 / (double)m_answered : 0, cpu / el * 100, from.proc.rss, to.proc.rss, observing && answered ? (double)(to.proc.rss - from.proc.rss) * 1024 / (double)answered : 0);
    printf("\"gen_busy_pct\":%.0f}\n", (double)(to.busy - from.busy) / 1e7 / el);
}

static int usage(const char *why) {
    fprintf(stderr, "coapload: %s\nusage: coapload request|observe [options]; see the head of coapload.c\n", why);
    return 1;
}
int main(int argc, char **argv) {
    if (argc < 2) return usage("no mode");
    observing = !strcmp(argv[1], "observe");
    if (!observing && strcmp(argv[1], "request")) return usage("unknown mode");
    int o; optind = 2;
    while ((o = getopt(argc, argv, "p:P:m:u:s:t:W:n:c:")) != -1) switch (o) {
        case 'p': port = atoi(optarg); break;           case 'P': nclients = atoi(optarg); break;
        case 'u': path = optarg; break;                 case 's': psize = atoi(optarg); break;
        case 't': secs = atof(optarg); break;           case 'W': warm = atof(optarg); break;
        case 'n': count_limit = atoll(optarg); break;   case 'c': watched = atoi(optarg); break;
        case 'm': method = !strcmp(optarg, "get") ? 1 : !strcmp(optarg, "put") ? 3 : 2; break;
        default: return 1;
    }
    if (nclients < 1 || nclients > 65535 || psize < 1 || psize > 1024 || strlen(path) > 200) return usage("-P 1 to 65535, -s 1 to 1024, -u up to 200 bytes");
    struct rlimit rl; if (getrlimit(RLIMIT_NOFILE, &rl) == 0) { rl.rlim_cur = rl.rlim_max; setrlimit(RLIMIT_NOFILE, &rl); }
    make_template();
    ep = epoll_create1(EPOLL_CLOEXEC);
    if (!(clients = calloc((size_t)nclients, sizeof *clients))) die("calloc");
    for (int i = 0; i < nclients; i++) {
        clients[i].fd = -1;
        open_client(&clients[i]);
    }
    if (observing) run_observe(); else run_requests();
    print_report();
    return failed || refused ? 2 : 0;
}
