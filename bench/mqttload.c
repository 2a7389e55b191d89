/*
 * mqttload - a small, fast MQTT load generator (one thread, epoll, raw sockets, no dependencies).
 *
 * BUILD   gcc -O2 -Wall -Wextra -o mqttload mqttload.c      (bench/load.ts does it)
 *
 * USAGE   mqttload MODE [options]
 *
 *   MODE  fanin    P publishers -> S subscribers (default 1) on PREFIX/+ (each subscriber gets all)
 *         pairs    P publishers -> P subscribers, one exact topic each
 *         fanout   1 publisher  -> S subscribers on one exact topic
 *         pub      P publishers only (no subscriber; throughput = acked publishes, QoS 0: sent)
 *         sub      S subscribers only, for what P publishers of another run with the same -T send;
 *                  ends once each has received -n different messages, or on SIGTERM
 *         idle     open -P connections, keep them alive; reports the broker's RSS per connection
 *
 *   -p PORT     port of the broker to publish to (127.0.0.1)        default 1883
 *   -P N        publishers (idle: connections)                      default 10
 *   -S N        subscribers (fanin, fanout)                         default 1
 *   -q Q        publish QoS 0|1|2                                   default 0
 *   -Q Q        subscribe QoS 0|1|2                                 default = -q
 *   -s BYTES    payload size (JSON text, at least 64)               default 64
 *   -w N        end-to-end window: most messages per publisher that were sent
 *               and not yet received by the subscribers             default 100
 *   -i N        most unacknowledged QoS 1/2 publishes per publisher default 20
 *   -t SECS     measured seconds                                    default 5
 *   -W SECS     warm-up seconds (before the measured ones)          default 1
 *   -n COUNT    stop after COUNT publishes instead of -t (then -W 0)
 *   -r RATE     total publishes/s, paced at 1 ms (0 = as fast as the windows allow)
 *   -f FILE     pub: messages to publish in place of numbered ones, a line each: TOPIC SPACE PAYLOAD
 *   -d SECS     longest wait for stragglers after the last publish  default 3
 *   -5          speak MQTT 5 (default 3.1.1)
 *   -M N        MQTT 5: Receive Maximum that subscribers announce   default none
 *   -C          clean session false (fixed client ids), for the subscribers
 *   -K          clean session false (fixed client ids), for the publishers
 *   -R          subscribers reconnect when the connection drops (every 10 ms)
 *   -b PORT     subscribe at another port (bridge tests)            default = -p
 *   -T PREFIX   topic prefix                                        default load/<own pid>
 *   -F FILTER   subscribe filter (fanin)                            default PREFIX/+
 *   -c PID      sample this process's CPU time and RSS (repeat up to 4 times)
 *   -l LABEL    copied into the report
 *   -v          a progress line on stderr every second
 *   -e          a line on stderr when it happens: ready (all are connected and subscribed),
 *               published (the last one was sent), first (the first message arrived)
 *
 * REPORT  one JSON object on stdout:
 *   pub/s, recv/s     publishes and deliveries per measured second
 *   sent, acked, recv whole-run totals (warm-up and drain included)
 *   expected, missing, dup, ooo   exact, from a per-publisher sequence bitmap per subscriber
 *   lat_us            {p50,p90,p99,p999,max}, publish call to delivery, measured seconds only
 *   ack_us            same for publish -> PUBACK/PUBCOMP (QoS 1/2)
 *   cpu               per -c PID: user/sys us per delivery, % of a core, RSS kB at start and end
 *   gen_cpu_pct       this generator's own load, % of a core (near 100: the generator is the limit)
 * Exit status: 0; 2 when something is missing at QoS > 0; 1 on error.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum mode { FANIN, PAIRS, FANOUT, PUBONLY, SUBONLY, IDLE };
enum role { PUB, SUB };
enum state { CLOSED, CONNECTING, WAIT_CONNACK, WAIT_SUBACK, READY };

/* ---- options ---- */
static enum mode mode;
static const char *mode_name;
static int port = 1883, sub_port = 0, npub = 10, nsub = 1, qpub = 0, qsub = -1, psize = 64;
static int window = 100, inflight_max = 20, v5 = 0, recv_max = 0, sub_durable = 0, pub_durable = 0;
static int reconnect = 0, verbose = 0, events = 0;
static double secs = 5, warm = 1, drain = 3, rate = 0;
static int64_t count_limit = 0;
static const char *prefix = NULL, *filter = NULL, *file = NULL, *label = "";
static int cpu_pid[4], ncpu = 0;

/* ---- log-linear histogram, about 3 % resolution ---- */
#define HSUB 32
#define HBUCKETS (64 * HSUB)
typedef struct { uint64_t n[HBUCKETS]; uint64_t total, max; } hist;
static void hist_add(hist *h, uint64_t v) {
    int b;
    if (v < HSUB) b = (int)v;
    else { int e = 63 - __builtin_clzll(v); b = (e - 4) * HSUB + (int)((v >> (e - 5)) & (HSUB - 1)); }
    h->n[b]++; h->total++;
    if (v > h->max) h->max = v;
}
static uint64_t hist_val(int b) {
    if (b < HSUB) return (uint64_t)b;
    int e = b / HSUB + 4;
    return ((uint64_t)1 << e) + ((uint64_t)(b % HSUB) << (e - 5));
}
static uint64_t hist_q(hist *h, double q) {
    uint64_t want = (uint64_t)(q * (double)h->total), acc = 0;
    for (int b = 0; b < HBUCKETS; b++) { acc += h->n[b]; if (acc > want) return hist_val(b); }
    return h->max;
}
static hist lat, acklat;

/* ---- connections ---- */
typedef struct {
    int fd, idx, want_out, durable;
    enum role role;
    enum state st;
    uint8_t *rb; size_t rlen, rcap;
    uint8_t *wb; size_t woff, wlen, wcap;
    uint16_t mid;
    int inflight;
    uint64_t *ack_ts;          /* send time by message id, QoS 1/2 publishers */
    uint64_t retry_at, last_tx;
    int dirty;
} conn;

typedef struct { uint8_t *bits; uint64_t cap; uint32_t last; uint64_t uniq; } seqset;

static conn *conns; static int nconns, nready;
static int ep;
static uint32_t *sent_by;       /* next sequence number per publisher */
static uint64_t *got_by;        /* deliveries per publisher, all subscribers */
static seqset *seen;            /* [sub * npub + pub] */
static int fan;                 /* deliveries expected per publish */
static uint64_t sent, recvd, acked, dups, ooo, m_sent, m_recv, m_acked, reconnects;
static int measuring, publishing;
static int pubs_lost, subs_lost; /* connections that are gone for good */
static uint64_t uniq_all;       /* different messages received, all subscribers */
static volatile sig_atomic_t stop_flag;
static void on_sig(int s) { (void)s; stop_flag = 1; }

static uint64_t now_ns(void) {
    struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
static void die(const char *m) { perror(m); exit(1); }
static void event(const char *what) { if (events) fprintf(stderr, "%s\n", what); }

static void reserve(conn *c, size_t n) {
    if (c->wlen + n <= c->wcap) return;
    if (c->woff) { memmove(c->wb, c->wb + c->woff, c->wlen - c->woff); c->wlen -= c->woff; c->woff = 0; }
    if (c->wlen + n > c->wcap) {
        size_t cap = c->wcap ? c->wcap : 256;
        while (cap < c->wlen + n) cap *= 2;
        if (!(c->wb = realloc(c->wb, cap))) die("realloc");
        c->wcap = cap;
    }
}
static void set_out(conn *c, int on) {
    if (c->want_out == on) return;
    struct epoll_event e = { .events = EPOLLIN | (on ? EPOLLOUT : 0), .data.ptr = c };
    if (epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e) == 0) c->want_out = on;
}
static void drop_conn(conn *c, const char *why) {
    if (c->st == READY) nready--;
    if (c->fd >= 0) close(c->fd);
    c->fd = -1; c->st = CLOSED; c->rlen = c->wlen = c->woff = 0; c->inflight = 0; c->want_out = 0;
    if (c->role == SUB && reconnect && !stop_flag) { c->retry_at = now_ns() + 10000000ull; reconnects++; return; }
    if (c->role == PUB) pubs_lost++; else subs_lost++;
    if (mode == IDLE || publishing || !stop_flag) fprintf(stderr, "mqttload: %s %d lost: %s\n", c->role == PUB ? "pub" : "sub", c->idx, why);
}
static void flush_conn(conn *c) {
    c->dirty = 0;
    while (c->fd >= 0 && c->woff < c->wlen) {
        ssize_t n = send(c->fd, c->wb + c->woff, c->wlen - c->woff, MSG_NOSIGNAL);
        if (n > 0) { c->woff += (size_t)n; continue; }
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) { set_out(c, 1); return; }
        drop_conn(c, strerror(errno)); return;
    }
    c->woff = c->wlen = 0;
    if (c->want_out) set_out(c, 0);
}
static size_t put_len(uint8_t *p, size_t n) {
    size_t k = 0;
    do { uint8_t b = n & 127; n >>= 7; p[k++] = n ? b | 128 : b; } while (n);
    return k;
}
static void put_str(uint8_t **p, const char *s) {
    size_t n = strlen(s); *(*p)++ = (uint8_t)(n >> 8); *(*p)++ = (uint8_t)n; memcpy(*p, s, n); *p += n;
}
static void send_connect(conn *c) {
    char id[64];
    snprintf(id, sizeof id, "%s%d%s", c->role == PUB ? "lp" : "ls", c->idx, c->durable ? "" : "x");
    if (!c->durable) snprintf(id, sizeof id, "%c%x-%d", c->role == PUB ? 'p' : 's', (unsigned)getpid(), c->idx);
    uint8_t body[160], *p = body;
    put_str(&p, "MQTT"); *p++ = v5 ? 5 : 4; *p++ = c->durable ? 0 : 2;
    int ka = mode == IDLE ? 60 : 600; *p++ = (uint8_t)(ka >> 8); *p++ = (uint8_t)ka;
    if (v5) {
        uint8_t pr[16]; int k = 0;
        if (c->durable) { pr[k++] = 0x11; memset(pr + k, 0xff, 4); k += 4; }
        if (c->role == SUB && recv_max) { pr[k++] = 0x21; pr[k++] = (uint8_t)(recv_max >> 8); pr[k++] = (uint8_t)recv_max; }
        *p++ = (uint8_t)k; memcpy(p, pr, (size_t)k); p += k;
    }
    put_str(&p, id);
    size_t n = (size_t)(p - body);
    reserve(c, n + 5);
    c->wb[c->wlen++] = 0x10; c->wlen += put_len(c->wb + c->wlen, n);
    memcpy(c->wb + c->wlen, body, n); c->wlen += n;
    c->st = WAIT_CONNACK;
}
static void send_subscribe(conn *c) {
    char f[256];
    if (mode == FANIN || mode == SUBONLY) { if (filter) snprintf(f, sizeof f, "%s", filter); else snprintf(f, sizeof f, "%s/+", prefix); }
    else if (mode == FANOUT) snprintf(f, sizeof f, "%s/0", prefix);
    else snprintf(f, sizeof f, "%s/%d", prefix, c->idx);
    uint8_t body[300], *p = body;
    *p++ = 0; *p++ = 1; if (v5) *p++ = 0;
    put_str(&p, f); *p++ = (uint8_t)qsub;
    size_t n = (size_t)(p - body);
    reserve(c, n + 5);
    c->wb[c->wlen++] = 0x82; c->wlen += put_len(c->wb + c->wlen, n);
    memcpy(c->wb + c->wlen, body, n); c->wlen += n;
    c->st = WAIT_SUBACK;
}
static void send_small(conn *c, uint8_t head, uint8_t hi, uint8_t lo) {
    reserve(c, 4);
    uint8_t *p = c->wb + c->wlen; p[0] = head; p[1] = 2; p[2] = hi; p[3] = lo; c->wlen += 4;
}
static void open_conn(conn *c) {
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) die("socket");
    int one = 1; setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)(c->role == SUB ? sub_port : port)) };
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->st = CONNECTING; c->retry_at = 0;
    if (connect(c->fd, (struct sockaddr *)&a, sizeof a) < 0 && errno != EINPROGRESS) { drop_conn(c, strerror(errno)); return; }
    struct epoll_event e = { .events = EPOLLIN | EPOLLOUT, .data.ptr = c };
    if (epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e) < 0) die("epoll_ctl");
    c->want_out = 1;
}

/* Payload: {"t":TTTTTTTTTTTTTTTTTTT,"s":SSSSSSSSSS,"p":PPPPP,"d":"...."}  (fixed columns) */
static void put_num(char *p, uint64_t v, int w) { while (w--) { p[w] = (char)('0' + v % 10); v /= 10; } }
static uint64_t get_num(const uint8_t *p, int w) { uint64_t v = 0; while (w--) v = v * 10 + (uint64_t)(*p++ - '0'); return v; }
static char *payload;
static void make_payload(void) {
    payload = malloc((size_t)psize + 1);
    memset(payload, 'x', (size_t)psize);
    static const char h[] = "{\"t\":1000000000000000000,\"s\":1000000000,\"p\":10000,\"d\":\"";
    memcpy(payload, h, sizeof h - 1);
    payload[psize - 2] = '"'; payload[psize - 1] = '}';
}
/* ---- messages from a file ---- */
typedef struct { const char *topic, *payload; size_t topic_len, payload_len; } line;
static line *lines; static size_t nlines;
static void load_file(const char *path) {
    FILE *f = fopen(path, "r"); if (!f) die(path);
    char *text = NULL; size_t cap = 0, room = 0; ssize_t n;
    while ((n = getline(&text, &cap, f)) > 0) {
        if (text[n - 1] == '\n') text[--n] = 0;
        char *space = memchr(text, ' ', (size_t)n);
        if (!space || space == text) { fprintf(stderr, "mqttload: %s line %zu: not TOPIC SPACE PAYLOAD\n", path, nlines + 1); exit(1); }
        if (nlines == room) { room = room ? room * 2 : 1024; if (!(lines = realloc(lines, room * sizeof *lines))) die("realloc"); }
        size_t topic_len = (size_t)(space - text);
        lines[nlines++] = (line){ text, space + 1, topic_len, (size_t)n - topic_len - 1 };
        text = NULL; cap = 0;   /* the line keeps it */
    }
    free(text); fclose(f);
    if (!nlines) { fprintf(stderr, "mqttload: %s is empty\n", path); exit(1); }
}

static void publish_one(conn *c, uint64_t t) {
    char numbered[256];
    const line *given = nlines ? &lines[sent % nlines] : NULL;
    const char *topic = given ? given->topic : numbered;
    size_t tn = given ? given->topic_len : (size_t)snprintf(numbered, sizeof numbered, "%s/%d", prefix, c->idx);
    size_t size = given ? given->payload_len : (size_t)psize;
    size_t body = 2 + tn + (qpub ? 2 : 0) + (v5 ? 1 : 0) + size;
    reserve(c, body + 5);
    uint8_t *p = c->wb + c->wlen;
    *p++ = (uint8_t)(0x30 | qpub << 1); p += put_len(p, body);
    *p++ = (uint8_t)(tn >> 8); *p++ = (uint8_t)tn; memcpy(p, topic, tn); p += tn;
    if (qpub) {
        if (++c->mid == 0) c->mid = 1;
        *p++ = (uint8_t)(c->mid >> 8); *p++ = (uint8_t)c->mid;
        c->ack_ts[c->mid] = t; c->inflight++;
    }
    if (v5) *p++ = 0;
    memcpy(p, given ? given->payload : payload, size);
    if (!given) {
        put_num((char *)p + 5, 1000000000000000000ull + t, 19);
        put_num((char *)p + 29, 1000000000ull + sent_by[c->idx], 10);
        put_num((char *)p + 44, 10000 + (uint64_t)c->idx, 5);
    }
    p += size;
    c->wlen = (size_t)(p - c->wb);
    sent_by[c->idx]++; sent++;
    if (measuring) m_sent++;
}
static void on_delivery(conn *c, const uint8_t *p, size_t n, uint64_t t) {
    if (!recvd++) event("first");
    if (measuring) m_recv++;
    if (n < 52 || p[0] != '{' || p[2] != 't') return;
    uint64_t ts = get_num(p + 5, 19) - 1000000000000000000ull;
    uint32_t seq = (uint32_t)(get_num(p + 29, 10) - 1000000000ull);
    uint32_t pub = (uint32_t)(get_num(p + 44, 5) - 10000);
    if (pub >= (uint32_t)npub) return;
    if (measuring && t > ts) hist_add(&lat, (t - ts) / 1000);
    seqset *s = &seen[(size_t)c->idx * (size_t)npub + pub];
    if (seq / 8 >= s->cap) {
        uint64_t cap = s->cap ? s->cap : 1024;
        while (cap <= seq / 8) cap *= 2;
        if (!(s->bits = realloc(s->bits, cap))) die("realloc");
        memset(s->bits + s->cap, 0, cap - s->cap); s->cap = cap;
    }
    if (s->bits[seq / 8] & (1 << (seq % 8))) { dups++; return; }
    s->bits[seq / 8] |= (uint8_t)(1 << (seq % 8));
    if (s->uniq && seq < s->last) ooo++; else s->last = seq;
    s->uniq++; uniq_all++;
    got_by[pub]++;
}
static void on_acked(conn *c, uint16_t mid, uint64_t t) {
    c->inflight--; acked++;
    if (measuring) { m_acked++; hist_add(&acklat, (t - c->ack_ts[mid]) / 1000); }
}
static void on_packet(conn *c, uint8_t head, const uint8_t *p, size_t n, uint64_t t) {
    if (n < 2 && head >> 4 != 13) { drop_conn(c, "a packet that is too short"); return; }
    switch (head >> 4) {
    case 2: /* CONNACK */
        if (p[1]) { drop_conn(c, "connection refused"); return; }
        if (c->role == SUB && mode != IDLE) send_subscribe(c);
        else { c->st = READY; nready++; }
        break;
    case 9: if (c->st == WAIT_SUBACK) { c->st = READY; nready++; } break;
    case 3: { /* PUBLISH */
        int q = (head >> 1) & 3; size_t k = n < 2 ? n + 1 : 2 + ((size_t)p[0] << 8 | p[1]);
        if (k + (q ? 2 : 0) + (v5 ? 1 : 0) > n) { drop_conn(c, "a PUBLISH that is too short"); return; }
        uint8_t hi = 0, lo = 0;
        if (q) { hi = p[k]; lo = p[k + 1]; k += 2; }
        if (v5) { size_t pl = 0; int sh = 0; uint8_t b; do { b = k < n ? p[k++] : 0; pl |= (size_t)(b & 127) << sh; sh += 7; } while (b & 128); k += pl; }
        if (q == 1) send_small(c, 0x40, hi, lo); else if (q == 2) send_small(c, 0x50, hi, lo);
        if (k > n) { drop_conn(c, "a PUBLISH that is too short"); return; }
        on_delivery(c, p + k, n - k, t);
        break;
    }
    case 4: on_acked(c, (uint16_t)(p[0] << 8 | p[1]), t); break;                      /* PUBACK */
    case 5: send_small(c, 0x62, p[0], p[1]); break;                                   /* PUBREC -> PUBREL */
    case 6: send_small(c, 0x70, p[0], p[1]); break;                                   /* PUBREL -> PUBCOMP */
    case 7: on_acked(c, (uint16_t)(p[0] << 8 | p[1]), t); break;                      /* PUBCOMP */
    case 14: drop_conn(c, "broker sent DISCONNECT"); break;
    default: break;
    }
}
static void read_conn(conn *c) {
    for (int round = 0; round < 4 && c->fd >= 0; round++) {
        if (c->rcap - c->rlen < (mode == IDLE ? 64u : 32768u)) {
            c->rcap = c->rcap ? c->rcap * 2 : (mode == IDLE ? 256 : 131072);
            if (!(c->rb = realloc(c->rb, c->rcap))) die("realloc");
        }
        size_t room = c->rcap - c->rlen;
        ssize_t n = recv(c->fd, c->rb + c->rlen, room, 0);
        if (n == 0) { drop_conn(c, "closed by the broker"); return; }
        if (n < 0) { if (errno == EAGAIN || errno == EINTR) return; drop_conn(c, strerror(errno)); return; }
        c->rlen += (size_t)n;
        uint64_t t = now_ns();
        size_t o = 0;
        while (c->rlen - o >= 2 && c->fd >= 0) {
            size_t len = 0, k = 1; int sh = 0; int ok = 0;
            while (o + k < c->rlen && k < 5) { uint8_t b = c->rb[o + k++]; len |= (size_t)(b & 127) << sh; sh += 7; if (!(b & 128)) { ok = 1; break; } }
            if (!ok || c->rlen - o < k + len) break;
            on_packet(c, c->rb[o], c->rb + o + k, len, t);
            o += k + len;
        }
        if (c->fd < 0) return;
        if (o) { memmove(c->rb, c->rb + o, c->rlen - o); c->rlen -= o; }
        if (c->wlen > c->woff) flush_conn(c);
        if ((size_t)n < room) return;
    }
}

/* ---- process sampling ---- */
typedef struct { double user, sys; long rss; } psample;
static psample sample_pid(int pid) {
    psample r = { 0, 0, 0 };
    char path[64], buf[4096]; snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *f = fopen(path, "r"); if (!f) return r;
    size_t n = fread(buf, 1, sizeof buf - 1, f); buf[n] = 0; fclose(f);
    char *p = strrchr(buf, ')'); if (!p) return r;
    unsigned long ut = 0, st = 0; long rss = 0;
    sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %*d %*d %*u %*u %ld", &ut, &st, &rss);
    double hz = (double)sysconf(_SC_CLK_TCK);
    r.user = (double)ut / hz; r.sys = (double)st / hz; r.rss = rss * (sysconf(_SC_PAGESIZE) / 1024);
    return r;
}
static void print_hist(const char *name, hist *h) {
    printf("\"%s\":{\"n\":%llu,\"p50\":%llu,\"p90\":%llu,\"p99\":%llu,\"p999\":%llu,\"max\":%llu},", name, (unsigned long long)h->total,
           (unsigned long long)hist_q(h, .5), (unsigned long long)hist_q(h, .9), (unsigned long long)hist_q(h, .99), (unsigned long long)hist_q(h, .999), (unsigned long long)h->max);
}

static void pump_events(int timeout_ms) {
    struct epoll_event ev[512];
    int n = epoll_wait(ep, ev, 512, timeout_ms);
    for (int i = 0; i < n; i++) {
        conn *c = ev[i].data.ptr;
        if (c->fd < 0) continue;
        if (c->st == CONNECTING && (ev[i].events & (EPOLLOUT | EPOLLERR | EPOLLHUP))) {
            int err = 0; socklen_t l = sizeof err; getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &l);
            if (err) { drop_conn(c, strerror(err)); continue; }
            send_connect(c); flush_conn(c); continue;
        }
        if (ev[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read_conn(c);
        if (c->fd >= 0 && (ev[i].events & EPOLLOUT)) flush_conn(c);
        if (c->fd >= 0 && c->wlen > c->woff && !c->want_out) flush_conn(c);
    }
    if (reconnect) {
        uint64_t t = now_ns();
        for (int i = 0; i < nconns; i++) if (conns[i].fd < 0 && conns[i].retry_at && t >= conns[i].retry_at) open_conn(&conns[i]);
    }
}

static int run_idle(void) {
    psample s0[4], s1[4];
    for (int i = 0; i < ncpu; i++) s0[i] = sample_pid(cpu_pid[i]);
    uint64_t t0 = now_ns(); int opened = 0;
    while (nready < nconns && !stop_flag) {
        while (opened < nconns && opened - nready < 200) open_conn(&conns[opened++]);
        pump_events(20);
        if (now_ns() - t0 > 120000000000ull) break;
    }
    double open_s = (double)(now_ns() - t0) / 1e9;
    uint64_t end = now_ns() + (uint64_t)(secs * 1e9), ping = now_ns();
    while (now_ns() < end && !stop_flag) {
        pump_events(50);
        if (now_ns() - ping > 20000000000ull) {
            ping = now_ns();
            for (int i = 0; i < nconns; i++) if (conns[i].st == READY) { conn *c = &conns[i]; reserve(c, 2); c->wb[c->wlen++] = 0xc0; c->wb[c->wlen++] = 0; flush_conn(c); }
        }
    }
    printf("{\"label\":\"%s\",\"mode\":\"idle\",\"conns\":%d,\"ready\":%d,\"open_s\":%.2f,\"conns_per_s\":%.0f,\"cpu\":[", label, nconns, nready, open_s, nready / open_s);
    for (int i = 0; i < ncpu; i++) {
        s1[i] = sample_pid(cpu_pid[i]);
        printf("%s{\"pid\":%d,\"rss0_kb\":%ld,\"rss1_kb\":%ld,\"kb_per_conn\":%.2f,\"cpu_ms_per_conn\":%.3f}", i ? "," : "", cpu_pid[i], s0[i].rss, s1[i].rss,
               nready ? (double)(s1[i].rss - s0[i].rss) / nready : 0, nready ? (s1[i].user + s1[i].sys - s0[i].user - s0[i].sys) * 1000 / nready : 0);
    }
    printf("]}\n");
    return nready == nconns ? 0 : 1;
}

/* ---- a run ---- */
typedef struct { uint64_t begin, end; psample proc0[4], proc1[4]; struct rusage own0, own1; } measurement;
static measurement m;
static void begin_measuring(void) {
    for (int i = 0; i < ncpu; i++) m.proc0[i] = sample_pid(cpu_pid[i]);
    getrusage(RUSAGE_SELF, &m.own0);
    measuring = 1; m.begin = now_ns();
}
static void end_measuring(void) {
    m.end = now_ns(); measuring = 0;
    getrusage(RUSAGE_SELF, &m.own1);
    for (int i = 0; i < ncpu; i++) m.proc1[i] = sample_pid(cpu_pid[i]);
}

/* Subscribers first, then publishers, at most 200 handshakes at a time. */
static int open_all(void) {
    int opened = 0; uint64_t t0 = now_ns();
    while (nready < nconns && !stop_flag && !pubs_lost && !subs_lost) {
        int lim = nready < nsub ? nsub : nconns;
        while (opened < lim && opened - nready < 200) open_conn(&conns[opened++]);
        pump_events(20);
        if (now_ns() - t0 > 30000000000ull) { fprintf(stderr, "mqttload: %d of %d connections ready after 30 s\n", nready, nconns); return 0; }
    }
    return !stop_flag && !pubs_lost && !subs_lost;
}

/* How many more this publisher may send now. */
static int64_t room_of(const conn *c) {
    if (c->st != READY || c->wlen - c->woff >= 262144) return 0;
    if (!fan && !qpub) return c->wlen > c->woff ? 0 : window;
    int64_t room = fan ? (int64_t)window - ((int64_t)sent_by[c->idx] - (int64_t)(got_by[c->idx] / (uint64_t)fan)) : inflight_max;
    return qpub && inflight_max - c->inflight < room ? inflight_max - c->inflight : room;
}
/* Round robin in small bursts, so that publishers interleave, for 2 ms at most. */
static void publish_round(uint64_t t, uint64_t allow) {
    static int next;
    const int64_t most = rate > 0 ? 1 : 16;
    for (int idle = 0; allow && idle < npub && now_ns() - t <= 2000000;) {
        conn *c = &conns[nsub + next]; next = next + 1 == npub ? 0 : next + 1;
        int64_t burst = room_of(c);
        if (burst > most) burst = most;
        if (burst <= 0) { idle++; continue; }
        idle = 0;
        for (; burst > 0 && allow > 0; burst--, allow--) publish_one(c, rate > 0 ? t : now_ns());
        if (rate > 0 || (!fan && !qpub)) flush_conn(c); else c->dirty = 1;
    }
    for (int i = nsub; i < nconns; i++) if (conns[i].dirty && conns[i].fd >= 0) flush_conn(&conns[i]);
}
static uint64_t allowance(uint64_t t, uint64_t start) {
    uint64_t allow = UINT64_MAX;
    if (rate > 0) { uint64_t due = (uint64_t)((double)(t - start) / 1e9 * rate); allow = due > sent ? due - sent : 0; }
    if (count_limit && (uint64_t)count_limit - sent < allow) allow = (uint64_t)count_limit - sent;
    return allow;
}
/* Whether everything that was to come has come. */
static int complete(void) {
    if (mode == SUBONLY) return uniq_all >= (uint64_t)count_limit * (uint64_t)nsub;
    if (publishing || uniq_all < sent * (uint64_t)fan) return 0;
    for (int i = nsub; i < nconns; i++) if (qpub ? conns[i].inflight > 0 : conns[i].wlen > conns[i].woff) return 0;
    return 1;
}
/* What is outstanding was lost: the windows are opened again. */
static void forget_outstanding(void) {
    for (int i = 0; i < npub; i++) { uint64_t lost = (uint64_t)sent_by[i] * (uint64_t)fan - got_by[i]; got_by[i] += lost; }
}
static void progress_line(uint64_t start) {
    static uint64_t due, was_sent, was_recvd;
    if (!due) due = start + 1000000000ull;
    if (now_ns() < due) return;
    fprintf(stderr, "%5.1fs sent %llu (+%llu) recv %llu (+%llu)", (double)(now_ns() - start) / 1e9, (unsigned long long)sent, (unsigned long long)(sent - was_sent), (unsigned long long)recvd, (unsigned long long)(recvd - was_recvd));
    for (int i = 0; i < ncpu; i++) fprintf(stderr, " rss[%d]=%ldkB", cpu_pid[i], sample_pid(cpu_pid[i]).rss);
    fprintf(stderr, "\n");
    was_sent = sent; was_recvd = recvd; due += 1000000000ull;
}
static void run_load(void) {
    const uint64_t start = now_ns(), from = start + (uint64_t)(warm * 1e9), until = from + (uint64_t)(secs * 1e9);
    uint64_t moved_at = start, moved = 0;
    publishing = mode != SUBONLY;
    while (!complete()) {
        uint64_t t = now_ns();
        if (!m.begin && t >= from) begin_measuring();
        if (publishing && (t >= until || stop_flag || pubs_lost == npub || (nsub && subs_lost == nsub) || (count_limit && (int64_t)sent >= count_limit))) {
            publishing = 0; moved_at = t; event("published");
            if (!count_limit && measuring) end_measuring();   /* of a given time: stragglers do not count */
        }
        if (mode == SUBONLY ? stop_flag || subs_lost == nsub : !publishing && (double)(t - moved_at) > drain * 1e9) break;
        if (publishing) publish_round(t, allowance(t, start));
        pump_events(1);
        if (recvd + acked != moved) { moved = recvd + acked; moved_at = now_ns(); }
        else if (publishing && fan && !reconnect && now_ns() - moved_at > 3000000000ull) { forget_outstanding(); moved_at = now_ns(); }
        if (verbose) progress_line(start);
    }
    if (!m.begin) begin_measuring();
    if (measuring) end_measuring();
}

static double cpu_secs(const struct rusage *r) {
    return (double)(r->ru_utime.tv_sec + r->ru_stime.tv_sec) + (double)(r->ru_utime.tv_usec + r->ru_stime.tv_usec) / 1e6;
}
/* Returns how many are missing. */
static uint64_t print_report(void) {
    uint64_t expected = mode == SUBONLY ? (uint64_t)count_limit * (uint64_t)nsub : sent * (uint64_t)fan;
    uint64_t missing = expected > uniq_all ? expected - uniq_all : 0;
    double el = (double)(m.end - m.begin) / 1e9;
    uint64_t per = mode == SUBONLY || fan ? m_recv : qpub ? m_acked : m_sent;
    printf("{\"label\":\"%s\",\"mode\":\"%s\",\"pubs\":%d,\"subs\":%d,\"qpub\":%d,\"qsub\":%d,\"v\":%d,\"size\":%d,\"window\":%d,\"inflight\":%d,\"rate\":%.0f,\"secs\":%.2f,", label, mode_name, npub, nsub, qpub, qsub, v5 ? 5 : 4, psize, window, inflight_max, rate, el);
    printf("\"pub/s\":%.0f,\"recv/s\":%.0f,\"sent\":%llu,\"acked\":%llu,\"recv\":%llu,\"expected\":%llu,\"missing\":%llu,\"dup\":%llu,\"ooo\":%llu,\"reconnects\":%llu,", (double)m_sent / el, (double)per / el, (unsigned long long)sent, (unsigned long long)acked, (unsigned long long)recvd, (unsigned long long)expected, (unsigned long long)missing, (unsigned long long)dups, (unsigned long long)ooo, (unsigned long long)reconnects);
    print_hist("lat_us", &lat);
    if (qpub) print_hist("ack_us", &acklat);
    printf("\"cpu\":[");
    for (int i = 0; i < ncpu; i++) {
        double u = m.proc1[i].user - m.proc0[i].user, s = m.proc1[i].sys - m.proc0[i].sys;
        printf("%s{\"pid\":%d,\"us_per_msg\":%.2f,\"user_us\":%.2f,\"sys_us\":%.2f,\"pct\":%.0f,\"rss0_kb\":%ld,\"rss1_kb\":%ld}", i ? "," : "", cpu_pid[i], per ? (u + s) * 1e6 / (double)per : 0, per ? u * 1e6 / (double)per : 0, per ? s * 1e6 / (double)per : 0, (u + s) / el * 100, m.proc0[i].rss, m.proc1[i].rss);
    }
    printf("],\"gen_cpu_pct\":%.0f}\n", (cpu_secs(&m.own1) - cpu_secs(&m.own0)) / el * 100);
    return missing;
}

static int usage(const char *why) {
    fprintf(stderr, "mqttload: %s\nusage: mqttload fanin|pairs|fanout|pub|sub|idle [options]; see the head of mqttload.c\n", why);
    return 1;
}
int main(int argc, char **argv) {
    static const char *const names[] = { "fanin", "pairs", "fanout", "pub", "sub", "idle" };
    if (argc < 2) return usage("no mode");
    mode_name = argv[1];
    int known = 0;
    for (int i = 0; i < 6; i++) if (!strcmp(mode_name, names[i])) { mode = (enum mode)i; known = 1; }
    if (!known) return usage("unknown mode");
    int o; optind = 2;
    while ((o = getopt(argc, argv, "p:P:S:q:Q:s:w:i:t:W:n:r:d:5M:CKRb:T:F:f:c:l:ve")) != -1) switch (o) {
        case 'p': port = atoi(optarg); break;         case 'P': npub = atoi(optarg); break;
        case 'S': nsub = atoi(optarg); break;         case 'q': qpub = atoi(optarg); break;
        case 'Q': qsub = atoi(optarg); break;         case 's': psize = atoi(optarg); break;
        case 'w': window = atoi(optarg); break;       case 'i': inflight_max = atoi(optarg); break;
        case 't': secs = atof(optarg); break;         case 'W': warm = atof(optarg); break;
        case 'n': count_limit = atoll(optarg); break; case 'r': rate = atof(optarg); break;
        case 'd': drain = atof(optarg); break;        case '5': v5 = 1; break;
        case 'M': recv_max = atoi(optarg); break;     case 'C': sub_durable = 1; break;
        case 'K': pub_durable = 1; break;             case 'R': reconnect = 1; break;
        case 'b': sub_port = atoi(optarg); break;     case 'T': prefix = optarg; break;
        case 'F': filter = optarg; break;             case 'f': file = optarg; break;
        case 'l': label = optarg; break;              case 'c': if (ncpu < 4) cpu_pid[ncpu++] = atoi(optarg); break;
        case 'v': verbose = 1; break;                 case 'e': events = 1; break;
        default: return 1;
    }
    if (npub < 1 || nsub < 1 || inflight_max < 1 || inflight_max > 65535) return usage("-P, -S and -i are at least 1, -i at most 65535");
    if (file && mode != PUBONLY) return usage("-f is for pub");
    if (mode == SUBONLY && (!prefix || count_limit < 1)) return usage("sub needs -T and -n");
    if (qsub < 0) qsub = qpub;
    if (!sub_port) sub_port = port;
    if (psize < 64) psize = 64;
    if (mode == FANOUT) npub = 1;
    if (mode == PAIRS) nsub = npub;
    if (mode == PUBONLY || mode == IDLE) nsub = 0;
    fan = mode == PAIRS ? 1 : mode == SUBONLY ? 0 : nsub;
    if (count_limit) { warm = 0; secs = 86400; }
    signal(SIGINT, on_sig); signal(SIGTERM, on_sig); signal(SIGPIPE, SIG_IGN);
    struct rlimit rl; if (getrlimit(RLIMIT_NOFILE, &rl) == 0) { rl.rlim_cur = rl.rlim_max; setrlimit(RLIMIT_NOFILE, &rl); }
    char own_prefix[32]; snprintf(own_prefix, sizeof own_prefix, "load/%d", (int)getpid());
    if (!prefix) prefix = own_prefix;   /* leftovers of an earlier run cannot reach this one */
    if (file) load_file(file);
    make_payload();
    ep = epoll_create1(EPOLL_CLOEXEC);
    nconns = nsub + (mode == SUBONLY ? 0 : npub);
    conns = calloc((size_t)nconns, sizeof *conns);
    sent_by = calloc((size_t)npub, sizeof *sent_by); got_by = calloc((size_t)npub, sizeof *got_by);
    seen = calloc((size_t)(nsub ? nsub : 1) * (size_t)npub, sizeof *seen);
    if (!conns || !sent_by || !got_by || !seen) die("calloc");
    for (int i = 0; i < nconns; i++) {
        conn *c = &conns[i]; c->fd = -1; c->role = i < nsub ? SUB : PUB; c->idx = i < nsub ? i : i - nsub;
        c->durable = c->role == SUB ? sub_durable : pub_durable;
        if (c->role == PUB && qpub && mode != IDLE && !(c->ack_ts = calloc(65536, sizeof *c->ack_ts))) die("calloc");
    }
    if (mode == IDLE) return run_idle();
    if (!open_all()) return 1;
    event("ready");
    run_load();
    return print_report() && (mode == SUBONLY || (qpub && qsub)) ? 2 : 0;
}
