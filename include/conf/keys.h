/*
 * conf/keys.h - every configuration key: one table that yields the struct, the parser, `brinco
 * config`, conf/brinco.conf and their prose.
 *
 *   X(section, name, kind, default, minimum, maximum, unit, reloadable, "prose")
 *
 * kind, and what minimum, maximum and unit mean for it:
 *
 *   NUMBER           minimum..maximum of the unit
 *   CHOICE, CHOICES  one, several of the words that unit lists
 *   all others       minimum..maximum bytes; a minimum of 0 allows an empty value
 *   NAME             A-Z a-z 0-9 - _
 *   PREFIX           printable ASCII without space and the glob characters * ? [ ] and backslash
 *   ZONE             name of the zone database: A-Z a-z 0-9 _ + - / and no ..
 *   PATH             any bytes but control characters
 *   WEB_URL          http:// or https://, printable ASCII without space, quotes, < >
 *   REDIS_URL        redis:// or unix://; redis/url.h reads the rest
 *   ADDRESSES        host:port, several separated by spaces or commas
 *   NETWORKS         as conf/cidr.h reads them, separated by spaces or commas
 *   HOSTS            host names, and *.NAME for all below one, separated by spaces or commas
 *
 * A key is written section.name; in the file, name under [section], and all keys of a section
 * stand together here. reloadable: 1 when SIGHUP applies a change, 0 when it needs a restart.
 */
#ifndef CONF_KEYS_H
#define CONF_KEYS_H

/* clang-format off */
#define CONF_KEYS(X)                                                                                                   \
    X(serve, roles, CHOICES, "edge collector api", 1, 3, "edge collector api", 0,                                      \
      "Which roles this process runs.")                                                                                \
    X(serve, drain_ms, NUMBER, "10000", 0, 600000, "ms", 1,                                                            \
      "After SIGTERM: how long open requests and the shipper may take to finish.")                                     \
    X(data, dir, PATH, "data", 1, 1024, "", 0,                                                                         \
      "Everything brinco keeps on disk: journal/, edge-id, secret.")                                                   \
    X(edge, listen, ADDRESSES, "0.0.0.0:8080", 1, 1024, "", 0,                                                         \
      "Public addresses; several allowed, IPv6 in brackets.")                                                          \
    X(edge, workers, NUMBER, "0", 0, 64, "threads", 0,                                                                 \
      "Worker threads; 0: one a core.")                                                                                \
    X(edge, id, NAME, "", 0, 64, "", 0,                                                                                \
      "Names this edge's streams. Empty: made once and kept in edge-id under data.dir.")                               \
    X(edge, trusted_proxies, NETWORKS, "", 0, 4096, "", 1,                                                             \
      "CIDRs whose X-Forwarded-For and X-Forwarded-Proto are believed.")                                               \
    X(edge, default_campaign, NAME, "", 0, 64, "", 1,                                                                  \
      "Where a tap goes when its code cannot be resolved: the id of a campaign.")                                      \
    X(edge, home_url, WEB_URL, "", 0, 2048, "", 1,                                                                     \
      "Where / leads.")                                                                                                \
    X(edge, max_connections, NUMBER, "100000", 16, 10000000, "connections", 0,                                         \
      "Open connections, over all workers; beyond it the longest idle ones are closed.")                               \
    X(redis, url, REDIS_URL, "redis://127.0.0.1:6379/0", 1, 1024, "", 0,                                               \
      "Where Redis is; also unix:///path?db=0, with user:password@ where needed.")                                     \
    X(redis, timeout_ms, NUMBER, "50", 1, 10000, "ms", 1,                                                              \
      "A look-up slower than this falls back.")                                                                        \
    X(redis, prefix, PREFIX, "brinco:", 0, 64, "", 0,                                                                  \
      "What every key of brinco in Redis begins with.")                                                                \
    X(cache, max_mb, NUMBER, "256", 1, 1048576, "MiB", 0,                                                              \
      "Link cache, for the whole process.")                                                                            \
    X(journal, segment_mb, NUMBER, "64", 1, 4096, "MiB", 0,                                                            \
      "Size of a journal segment; two a worker are preallocated.")                                                     \
    X(journal, sync_ms, NUMBER, "1000", 1, 3600000, "ms", 1,                                                           \
      "How much a power cut can take.")                                                                                \
    X(journal, retain_hours, NUMBER, "24", 0, 87600, "hours", 1,                                                       \
      "How long segments are kept after they were shipped.")                                                           \
    X(journal, max_mb, NUMBER, "8192", 4, 1073741824, "MiB", 1,                                                        \
      "All journals of this edge. When it is reached, taps are answered and not counted.")                             \
    X(queue, kind, CHOICE, "redis", 1, 1, "redis kafka none", 0,                                                       \
      "Where clicks are shipped. brinco counts what is in Redis; with kafka, whoever reads the topic does.")           \
    X(queue, kafka_brokers, ADDRESSES, "", 0, 4096, "", 0,                                                             \
      "With kafka: where its brokers are; one or two are enough to find the others.")                                  \
    X(queue, kafka_topic, NAME, "brinco-clicks", 1, 128, "", 0,                                                        \
      "With kafka: the topic.")                                                                                        \
    X(queue, kafka_properties, PATH, "", 0, 1024, "", 0,                                                               \
      "With kafka: a file of librdkafka's settings, name=value lines, for TLS and SASL. Empty: none.")                 \
    X(queue, retain_hours, NUMBER, "72", 0, 87600, "hours", 1,                                                         \
      "How long the queue keeps what is counted, for other readers.")                                                  \
    X(log, format, CHOICE, "text", 1, 1, "text json", 1,                                                               \
      "Lines on stderr: key=value, or JSON.")                                                                          \
    X(log, level, CHOICE, "info", 1, 1, "debug info warn error", 1,                                                    \
      "The least important level that is logged.")                                                                     \
    X(geo, database, PATH, "", 0, 1024, "", 1,                                                                         \
      "A MaxMind DB (country or city); read again when the file changes. Empty: none.")                                \
    X(links, allowed_hosts, HOSTS, "", 0, 4096, "", 1,                                                                 \
      "Where links and campaigns may lead, such as example.mx *.example.mx. Empty: anywhere.")                         \
    X(links, assetlinks_file, PATH, "", 0, 1024, "", 1,                                                                \
      "Served as /.well-known/assetlinks.json; read at the start and on SIGHUP. Empty: made from the campaigns.")      \
    X(links, apple_association_file, PATH, "", 0, 1024, "", 1,                                                         \
      "The same for /.well-known/apple-app-site-association.")                                                         \
    X(history, entries, NUMBER, "50", 0, 1000, "entries", 1,                                                           \
      "How many changes of a link or campaign are kept, each with who, when, before and after; 0: none.")              \
    X(pages, dir, PATH, "conf/pages", 0, 1024, "", 1,                                                                  \
      "Templates that replace the built-in pages, read at the start and on SIGHUP. It need not exist.")                \
    X(webhooks, allowed_hosts, HOSTS, "", 0, 4096, "", 0,                                                              \
      "Hosts that webhooks may reach over http and at private addresses; *.example.mx: all below it.")                 \
    X(webhooks, timeout_ms, NUMBER, "10000", 100, 60000, "ms", 0,                                                      \
      "How long a webhook may take, connecting (3 s at most) included.")                                               \
    X(webhooks, give_up_hours, NUMBER, "24", 1, 720, "hours", 0,                                                       \
      "How long a webhook that is not taken is tried again.")                                                          \
    X(webhooks, ca_file, PATH, "", 0, 1024, "", 0,                                                                     \
      "Certificates that webhooks' servers are checked against, PEM. Empty: the system's.")                            \
    X(stats, timezone, ZONE, "America/Mexico_City", 1, 64, "", 0,                                                      \
      "Days are this zone's days; a name of the zone database.")                                                       \
    X(stats, retain_days, NUMBER, "400", 1, 36500, "days", 1,                                                          \
      "How long daily numbers are kept.")                                                                              \
    X(api, listen, ADDRESSES, "127.0.0.1:8081", 1, 1024, "", 0,                                                        \
      "Address of the admin side; never a public one.")
/* clang-format on */

#endif
