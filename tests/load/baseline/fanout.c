/* fanout PORT: what handing lines out costs when nothing else is done. One thread, epoll, nothing stored; what one wakeup
 * brings is handed out with one write to each client. JOIN channel is answered JOINED channel; SAY channel text goes to all
 * members of the channel, the sender too, as RECV channel text; PING word is answered PONG word. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { EVENTS = 1024, BUCKETS = 1 << 17, READ_BYTES = 1 << 16, LINE_BYTES = 1 << 16 };

struct channel {
	struct channel *next; /* in its bucket */
	char *name;
	struct client **members;
	size_t count, room;
};

struct client {
	int fd, dirty, closed, waiting; /* waiting: for its socket to take more */
	char *in, *out;                 /* an unfinished line; what is to be written */
	size_t in_len, out_len, out_room;
	struct channel **channels;
	size_t channel_count;
	struct client *next; /* of those that have something to write, or to end */
};

static struct channel *buckets[BUCKETS];
static struct client *dirty;
static int poller;

static void *grow(void *p, size_t bytes)
{
	if ((p = realloc(p, bytes)) == NULL)
		abort();
	return p;
}

/* find makes the channel where there is none. */
static struct channel *find(const char *name, size_t len)
{
	unsigned long hash = 5381;
	for (size_t i = 0; i < len; i++)
		hash = hash * 33 + (unsigned char)name[i];
	struct channel **at = &buckets[hash % BUCKETS];
	for (; *at != NULL; at = &(*at)->next)
		if (strncmp((*at)->name, name, len) == 0 && (*at)->name[len] == 0)
			return *at;
	*at = grow(NULL, sizeof **at);
	**at = (struct channel){.name = strndup(name, len)};
	return *at;
}

static void mark(struct client *c)
{
	if (!c->dirty)
		c->next = dirty, dirty = c;
	c->dirty = 1;
}

/* send_line appends a verb, the rest of a line, and its end. */
static void send_line(struct client *c, const char *verb, const char *rest, size_t len)
{
	size_t verb_len = strlen(verb), need = c->out_len + verb_len + len + 1;
	if (need > c->out_room)
		c->out = grow(c->out, c->out_room = need * 2 + 256);
	memcpy(c->out + c->out_len, verb, verb_len);
	memcpy(c->out + c->out_len + verb_len, rest, len);
	c->out[need - 1] = '\n';
	c->out_len = need;
	mark(c);
}

static void join(struct client *c, const char *name, size_t len)
{
	struct channel *ch = find(name, len);
	if (ch->count == ch->room)
		ch->members = grow(ch->members, (ch->room = ch->room * 2 + 4) * sizeof *ch->members);
	ch->members[ch->count++] = c;
	c->channels = grow(c->channels, (c->channel_count + 1) * sizeof *c->channels);
	c->channels[c->channel_count++] = ch;
	send_line(c, "JOINED ", name, len);
}

static void say(const char *rest, size_t len)
{
	const char *blank = memchr(rest, ' ', len);
	struct channel *ch = find(rest, blank == NULL ? len : (size_t)(blank - rest));
	for (size_t i = 0; i < ch->count; i++)
		send_line(ch->members[i], "RECV ", rest, len);
}

static void obey(struct client *c, const char *line, size_t len)
{
	if (len > 4 && memcmp(line, "SAY ", 4) == 0)
		say(line + 4, len - 4);
	if (len > 5 && memcmp(line, "JOIN ", 5) == 0)
		join(c, line + 5, len - 5);
	if (len > 5 && memcmp(line, "PING ", 5) == 0)
		send_line(c, "PONG ", line + 5, len - 5);
}

static void leave(struct client *c)
{
	for (size_t i = 0; i < c->channel_count; i++) {
		struct channel *ch = c->channels[i];
		for (size_t j = 0; j < ch->count; j++)
			if (ch->members[j] == c)
				ch->members[j--] = ch->members[--ch->count];
	}
	close(c->fd);
	free(c->channels);
	free(c->in);
	free(c->out);
	free(c);
}

static void hear(struct client *c)
{
	static char buf[LINE_BYTES + READ_BYTES];
	size_t len = c->in_len, done = 0;
	if (len > 0)
		memcpy(buf, c->in, len);
	ssize_t n = read(c->fd, buf + len, READ_BYTES);
	len += n > 0 ? (size_t)n : 0;
	for (char *end; (end = memchr(buf + done, '\n', len - done)) != NULL; done = (size_t)(end - buf) + 1)
		obey(c, buf + done, (size_t)(end - buf) - done);
	c->in_len = len - done;
	free(c->in);
	c->in = c->in_len == 0 ? NULL : memcpy(grow(NULL, c->in_len), buf + done, c->in_len);
	if (n == 0 || (n < 0 && errno != EAGAIN) || c->in_len > LINE_BYTES)
		c->closed = 1, mark(c);
}

/* flush writes what a client is owed; what its socket does not take waits until it does. */
static void flush(struct client *c)
{
	ssize_t n = c->out_len == 0 ? 0 : write(c->fd, c->out, c->out_len);
	c->closed = n < 0 && errno != EAGAIN;
	if (n > 0)
		memmove(c->out, c->out + n, c->out_len -= (size_t)n);
	if (c->out_len == 0)
		free(c->out), c->out = NULL, c->out_room = 0;
	int waiting = c->out_len > 0;
	struct epoll_event e = {.events = EPOLLIN | (waiting ? EPOLLOUT : 0), .data.ptr = c};
	if (waiting != c->waiting && epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &e) == 0)
		c->waiting = waiting;
}

static void flush_all(void)
{
	for (struct client *c; (c = dirty) != NULL;) {
		dirty = c->next;
		c->dirty = 0;
		if (!c->closed)
			flush(c);
		if (c->closed)
			leave(c);
	}
}

static void welcome(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	if (fd < 0)
		return;
	struct client *c = grow(NULL, sizeof *c);
	*c = (struct client){.fd = fd};
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
	if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e) != 0)
		leave(c);
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	at.sin_port = htons((unsigned short)(argc == 2 ? atoi(argv[1]) : 0));
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	poller = epoll_create1(0);
	struct epoll_event e = {.events = EPOLLIN}, events[EVENTS];
	if (bind(listener, (void *)&at, sizeof at) != 0 || listen(listener, 4096) != 0 ||
	    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &e) != 0)
		return perror("fanout"), 1;
	puts("Server is on"), fflush(stdout);
	for (;;) {
		int n = epoll_wait(poller, events, EVENTS, -1);
		for (int i = 0; i < n; i++)
			if (events[i].data.ptr == NULL)
				welcome(listener);
			else if (events[i].events == EPOLLOUT)
				mark(events[i].data.ptr);
			else
				hear(events[i].data.ptr);
		flush_all();
	}
}
