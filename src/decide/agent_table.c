/*
 * agent_table.c - what the tokens of User-Agents mean: one line a token.
 *
 * To add one, put its line where its precedence is and a string that was really seen into
 * tests/unit/decide/test_agent.c.
 *
 * Precedence   Each fact (machine, platform, in-app, browser) is decided by the first line of the
 *   table, among those of that fact, whose token occurs. So what is specific stands above what
 *   it quotes: iMessage above the facebookexternalhit and Twitterbot that it names inside a
 *   Safari string, TelegramBot above the Twitterbot it claims to be like, LinkedInBot above
 *   its Apache-HttpClient, Edge above Chrome above Safari, Windows Phone above Android.
 *
 * Machines     Preview fetchers first, then bots by name, then HTTP libraries and tools, then the
 *   words that crawlers describe themselves with. A machine's name replaces the browser, and
 *   its in-app token says nothing.
 *
 * People       An app's name makes nobody a machine: in-app browsers are people. What messengers
 *   fetch previews with begins with the messenger's name ("WhatsApp/2.23.20.0 A"); what a person
 *   reads with in the same app begins with "Mozilla/" and may hold the same token further on.
 *   Hence AGENT_START on all names of that kind. Short words are anchored the same way: "got"
 *   and "node" are HTTP clients only as the beginning or the whole, a bare "google" is in the
 *   in-app browsers of Pixels, and "bot" is in Cubot phones, which is what AGENT_FACT_NONE is for.
 *   "Dalvik/" alone, an Android app's own request, is left a person: it is a person's phone.
 *
 * Sources      The operators' pages on their crawlers; https://developers.google.com/search/docs/
 *   crawling-indexing/google-common-crawlers and google-special-case-crawlers,
 *   https://developers.facebook.com/docs/sharing/webmasters/web-crawlers,
 *   https://api.slack.com/robots, https://developers.snap.com/robots,
 *   https://platform.openai.com/docs/bots, and for Signal, which sends WhatsApp's token,
 *   https://github.com/signalapp/Signal-Android/issues/13522.
 *   Names can be forged: this tells kinds of taps apart, it keeps nobody out.
 */
#include "agent_table.h"

#include "base/defs.h"
#include "decide/agent.h"

#define PREVIEW(place, text, name)                                                                 \
    { text, name, AGENT_FACT_MACHINE, AGENT_##place, AGENT_PREVIEW }
#define BOT(place, text, name)                                                                     \
    { text, name, AGENT_FACT_MACHINE, AGENT_##place, AGENT_BOT }
#define PLATFORM(text, platform)                                                                   \
    { text, "", AGENT_FACT_PLATFORM, AGENT_ANYWHERE, TAP_PLATFORM_##platform }
#define IN_APP(place, text, name)                                                                  \
    { text, name, AGENT_FACT_IN_APP, AGENT_##place, 0 }
#define BROWSER(place, text, name)                                                                 \
    { text, name, AGENT_FACT_BROWSER, AGENT_##place, 0 }
#define NOTHING(text)                                                                              \
    { text, "", AGENT_FACT_NONE, AGENT_ANYWHERE, 0 }

/* clang-format off */
const struct agent_token agent_tokens[] = {

    /* Preview fetchers: messengers and networks that show a card for a link. */
    PREVIEW(START,    "whatsapp/",                "whatsapp"), /* Signal sends "WhatsApp/2", too */
    PREVIEW(ANYWHERE, "facebot twitterbot",       "imessage"),
    PREVIEW(ANYWHERE, "line-poker",               "line"),
    PREVIEW(ANYWHERE, "kakaotalk-scrap",          "kakaotalk"),
    PREVIEW(ANYWHERE, "facebookexternalhit/1.1;google-pagerenderer", "google_messages"),
    PREVIEW(ANYWHERE, "googlemessages",           "google_messages"),
    PREVIEW(ANYWHERE, "telegrambot",              "telegram"),
    PREVIEW(ANYWHERE, "twitterbot",               "twitter"),
    PREVIEW(ANYWHERE, "slackbot",                 "slack"),
    PREVIEW(ANYWHERE, "slack-imgproxy",           "slack"),
    PREVIEW(ANYWHERE, "linkedinbot",              "linkedin"),
    PREVIEW(ANYWHERE, "discordbot",               "discord"),
    PREVIEW(START,    "instagram ",               "instagram"),
    PREVIEW(START,    "signal",                   "signal"),
    PREVIEW(START,    "viber/",                   "viber"),
    PREVIEW(WHOLE,    "viber",                    "viber"),
    PREVIEW(START,    "snap url preview service", "snapchat"),
    PREVIEW(START,    "snapchat/",                "snapchat"), /* the app itself, for its chats */
    PREVIEW(ANYWHERE, "skypeuripreview",          "microsoft"), /* Skype and Teams */
    PREVIEW(ANYWHERE, "microsoftpreview",         "microsoft"),
    PREVIEW(ANYWHERE, "pinterestbot",             "pinterest"),
    PREVIEW(START,    "pinterest/0.",             "pinterest"),
    PREVIEW(ANYWHERE, "redditbot",                "reddit"),
    PREVIEW(ANYWHERE, "mastodon/",                "mastodon"),
    PREVIEW(ANYWHERE, "misskey/",                 "misskey"),
    PREVIEW(ANYWHERE, "summalybot",               "misskey"),
    PREVIEW(ANYWHERE, "pleroma ",                 "pleroma"),
    PREVIEW(ANYWHERE, "lemmy/",                   "lemmy"),
    PREVIEW(ANYWHERE, "bluesky cardyb",           "bluesky"),
    PREVIEW(ANYWHERE, "synapse (bot",             "matrix"),
    PREVIEW(ANYWHERE, "mattermost-bot",           "mattermost"),
    PREVIEW(ANYWHERE, "rocket.chat",              "rocketchat"),
    PREVIEW(START,    "zoom",                     "zoom"),
    PREVIEW(ANYWHERE, "notionembedder",           "notion"),
    PREVIEW(ANYWHERE, "iframely",                 "iframely"),
    PREVIEW(ANYWHERE, "embedly",                  "embedly"),
    PREVIEW(ANYWHERE, "vkshare",                  "vk"),
    PREVIEW(ANYWHERE, "odklbot",                  "ok"),
    PREVIEW(ANYWHERE, "tumblr/",                  "tumblr"),
    PREVIEW(ANYWHERE, "flipboardproxy",           "flipboard"),
    PREVIEW(ANYWHERE, "quora link preview",       "quora"),
    PREVIEW(ANYWHERE, "yahoo link preview",       "yahoo"),
    PREVIEW(ANYWHERE, "xing-contenttabreceiver",  "xing"),
    PREVIEW(ANYWHERE, "meta-externalfetcher",     "facebook"),
    PREVIEW(ANYWHERE, "facebookexternalhit",      "facebook"), /* many name it: last */
    PREVIEW(ANYWHERE, "facebot",                  "facebook"),

    /* Search engines. BingPreview and Google-InspectionTool draw pages for the search engine's own
     * use, nobody is shown a card: bots. */
    BOT(ANYWHERE, "adsbot-google",           "adsbot"), /* also -Mobile and -Mobile-Apps */
    BOT(ANYWHERE, "googlebot",               "googlebot"),
    BOT(ANYWHERE, "google-safety",           "google"),
    BOT(ANYWHERE, "google-inspectiontool",   "google"),
    BOT(ANYWHERE, "google-pagerenderer",     "google"),
    BOT(ANYWHERE, "google-extended",         "google"),
    BOT(ANYWHERE, "google-site-verification", "google"),
    BOT(ANYWHERE, "google-read-aloud",       "google"),
    BOT(ANYWHERE, "google-cloudvertexbot",   "google"),
    BOT(ANYWHERE, "google-adwords",          "google"),
    BOT(ANYWHERE, "google-apps-script",      "google"),
    BOT(ANYWHERE, "googleother",             "google"),
    BOT(ANYWHERE, "googleimageproxy",        "google"),
    BOT(ANYWHERE, "google favicon",          "google"),
    BOT(ANYWHERE, "google web preview",      "google"),
    BOT(ANYWHERE, "storebot-google",         "google"),
    BOT(ANYWHERE, "apis-google",             "google"),
    BOT(ANYWHERE, "mediapartners-google",    "google"),
    BOT(ANYWHERE, "feedfetcher-google",      "google"),
    BOT(ANYWHERE, "duplexweb-google",        "google"),
    BOT(ANYWHERE, "bingbot",                 "bingbot"),
    BOT(ANYWHERE, "bingpreview",             "bingbot"),
    BOT(ANYWHERE, "adidxbot",                "bingbot"),
    BOT(ANYWHERE, "msnbot",                  "bingbot"),
    BOT(ANYWHERE, "yandexbot",               "yandexbot"),
    BOT(ANYWHERE, "yandex.com/bots",         "yandexbot"), /* its dozen other names */
    BOT(ANYWHERE, "baiduspider",             "baiduspider"),
    BOT(ANYWHERE, "duckduckbot",             "duckduckbot"),
    BOT(ANYWHERE, "duckassistbot",           "duckduckbot"),
    BOT(ANYWHERE, "applebot",                "applebot"),
    BOT(ANYWHERE, "yahoo! slurp",            "yahoo"),
    BOT(ANYWHERE, "sogou web spider",        "sogou"),
    BOT(ANYWHERE, "petalbot",                "petalbot"),
    BOT(ANYWHERE, "seznambot",               "seznambot"),
    BOT(ANYWHERE, "yeti/",                   "naver"),
    BOT(ANYWHERE, "coccocbot",               "coccoc"),
    BOT(ANYWHERE, "ia_archiver",             "archive"),
    BOT(ANYWHERE, "archive.org_bot",         "archive"),

    /* AI: crawlers, and fetchers that act for somebody who asks an assistant. */
    BOT(ANYWHERE, "gptbot",              "gptbot"),
    BOT(ANYWHERE, "chatgpt-user",        "chatgpt_user"),
    BOT(ANYWHERE, "oai-searchbot",       "oai_searchbot"),
    BOT(ANYWHERE, "claudebot",           "claudebot"),
    BOT(ANYWHERE, "claude-user",         "claude_user"),
    BOT(ANYWHERE, "claude-searchbot",    "claudebot"),
    BOT(ANYWHERE, "claude-web",          "claudebot"),
    BOT(ANYWHERE, "anthropic-ai",        "claudebot"),
    BOT(ANYWHERE, "perplexitybot",       "perplexity"),
    BOT(ANYWHERE, "perplexity-user",     "perplexity"),
    BOT(ANYWHERE, "meta-externalagent",  "meta_ai"),
    BOT(ANYWHERE, "meta-webindexer",     "meta_ai"),
    BOT(ANYWHERE, "meta-externalads",    "meta_ads"),
    BOT(ANYWHERE, "facebookbot",         "meta_ai"),
    BOT(ANYWHERE, "facebookcatalog",     "meta_ads"),
    BOT(ANYWHERE, "bytespider",          "bytespider"),
    BOT(ANYWHERE, "ccbot",               "ccbot"),
    BOT(ANYWHERE, "amazonbot",           "amazonbot"),
    BOT(ANYWHERE, "cohere-ai",           "cohere"),
    BOT(ANYWHERE, "mistralai-user",      "mistral"),
    BOT(ANYWHERE, "youbot",              "youbot"),
    BOT(ANYWHERE, "diffbot",             "diffbot"),
    BOT(ANYWHERE, "timpibot",            "timpibot"),

    /* Marketing and research crawlers. */
    BOT(ANYWHERE, "ahrefsbot",           "ahrefs"),
    BOT(ANYWHERE, "ahrefssiteaudit",     "ahrefs"),
    BOT(ANYWHERE, "semrushbot",          "semrush"),
    BOT(ANYWHERE, "siteauditbot",        "semrush"),
    BOT(ANYWHERE, "mj12bot",             "majestic"),
    BOT(ANYWHERE, "dotbot",              "moz"),
    BOT(ANYWHERE, "rogerbot",            "moz"),
    BOT(ANYWHERE, "dataforseobot",       "dataforseo"),
    BOT(ANYWHERE, "screaming frog",      "screaming_frog"),
    BOT(ANYWHERE, "barkrowler",          "babbar"),
    BOT(ANYWHERE, "blexbot",             "blexbot"),
    BOT(ANYWHERE, "serpstatbot",         "serpstat"),
    BOT(ANYWHERE, "tiktokspider",        "tiktok"),
    BOT(ANYWHERE, "thirdlandingpagefeinfra", "tiktok"), /* TikTok's preloader: not a tap */
    BOT(ANYWHERE, "bitlybot",            "bitly"),
    BOT(ANYWHERE, "w3c_validator",       "w3c"),
    BOT(ANYWHERE, "w3c-checklink",       "w3c"),
    BOT(ANYWHERE, "censysinspect",       "censys"),
    BOT(ANYWHERE, "internet-measurement", "internet_measurement"),
    BOT(ANYWHERE, "expanse, a palo alto", "expanse"),

    /* Monitors. */
    BOT(ANYWHERE, "uptimerobot",         "uptimerobot"),
    BOT(ANYWHERE, "pingdom",             "pingdom"),
    BOT(ANYWHERE, "statuscake",          "statuscake"),
    BOT(ANYWHERE, "site24x7",            "site24x7"),
    BOT(ANYWHERE, "datadog",             "datadog"),
    BOT(ANYWHERE, "newrelicpinger",      "newrelic"),
    BOT(ANYWHERE, "newrelicsynthetics",  "newrelic"),
    BOT(ANYWHERE, "better uptime",       "better_uptime"),
    BOT(ANYWHERE, "betterstack",         "better_uptime"),
    BOT(ANYWHERE, "cloudflare-healthchecks", "cloudflare"),
    BOT(ANYWHERE, "cloudflare-traffic-manager", "cloudflare"),
    BOT(ANYWHERE, "kube-probe",          "kubernetes"),
    BOT(ANYWHERE, "elb-healthchecker",   "aws"),
    BOT(ANYWHERE, "amazon-route53-health-check", "aws"),
    BOT(ANYWHERE, "amazon cloudfront",   "aws"),
    BOT(ANYWHERE, "googlehc/",           "google"),
    BOT(ANYWHERE, "googlestackdrivermonitoring", "google"),
    BOT(ANYWHERE, "blackbox exporter",   "prometheus"),
    BOT(ANYWHERE, "blackbox-exporter",   "prometheus"),
    BOT(ANYWHERE, "prometheus/",         "prometheus"),
    BOT(ANYWHERE, "zabbix",              "zabbix"),
    BOT(ANYWHERE, "check_http/",         "nagios"),
    BOT(ANYWHERE, "grafana",             "grafana"),
    BOT(ANYWHERE, "catchpoint",          "catchpoint"),
    BOT(ANYWHERE, "ptst/",               "webpagetest"),
    BOT(ANYWHERE, "gtmetrix",            "gtmetrix"),
    BOT(ANYWHERE, "chrome-lighthouse",   "lighthouse"),

    /* Browsers without a person. */
    BOT(ANYWHERE, "headlesschrome",      "headless_chrome"),
    BOT(ANYWHERE, "phantomjs",           "phantomjs"),
    BOT(ANYWHERE, "puppeteer",           "puppeteer"),
    BOT(ANYWHERE, "playwright",          "playwright"),
    BOT(ANYWHERE, "selenium",            "selenium"),
    BOT(ANYWHERE, "scrapy",              "scrapy"),

    /* Scanners. */
    BOT(ANYWHERE, "masscan",             "masscan"),
    BOT(ANYWHERE, "zgrab",               "zgrab"),
    BOT(ANYWHERE, "nmap ",               "nmap"),
    BOT(ANYWHERE, "nuclei",              "nuclei"),
    BOT(ANYWHERE, "sqlmap",              "sqlmap"),
    BOT(ANYWHERE, "nikto",               "nikto"),
    BOT(ANYWHERE, "wpscan",              "wpscan"),
    BOT(ANYWHERE, "l9explore",           "leakix"),

    /* HTTP libraries and command lines. okhttp and CFNetwork are in every second app, as what
     * fetches for the app by itself: a person's tap opens a browser or a web view, which sends
     * that one's string. */
    BOT(START,    "curl/",               "curl"),
    BOT(WHOLE,    "curl",                "curl"),
    BOT(ANYWHERE, "libcurl",             "curl"),
    BOT(START,    "wget",                "wget"),
    BOT(ANYWHERE, "python-requests",     "python"),
    BOT(ANYWHERE, "python-urllib",       "python"),
    BOT(ANYWHERE, "python-httpx",        "python"),
    BOT(ANYWHERE, "aiohttp/",            "python"),
    BOT(START,    "python/",             "python"),
    BOT(ANYWHERE, "go-http-client",      "go"),
    BOT(ANYWHERE, "go-resty",            "go"),
    BOT(START,    "fasthttp",            "go"),
    BOT(START,    "java/",               "java"),
    BOT(START,    "java-http-client",    "java"),
    BOT(ANYWHERE, "apache-httpclient",   "java"),
    BOT(ANYWHERE, "apache-httpasyncclient", "java"),
    BOT(START,    "jakarta commons",     "java"),
    BOT(START,    "okhttp",              "okhttp"),
    BOT(ANYWHERE, "cfnetwork/",          "cfnetwork"),
    BOT(ANYWHERE, "axios/",              "node"),
    BOT(ANYWHERE, "node-fetch",          "node"),
    BOT(START,    "node.js",             "node"),
    BOT(START,    "node/",               "node"),
    BOT(WHOLE,    "node",                "node"),
    BOT(START,    "undici",              "node"),
    BOT(START,    "got (",               "node"),
    BOT(START,    "got/",                "node"),
    BOT(START,    "deno/",               "deno"),
    BOT(START,    "bun/",                "bun"),
    BOT(ANYWHERE, "libwww-perl",         "perl"),
    BOT(START,    "lwp::simple",         "perl"),
    BOT(START,    "ruby",                "ruby"),
    BOT(START,    "faraday v",           "ruby"),
    BOT(START,    "rest-client/",        "ruby"),
    BOT(START,    "http.rb/",            "ruby"),
    BOT(START,    "php",                 "php"),
    BOT(ANYWHERE, "guzzlehttp",          "php"),
    BOT(START,    "symfony ",            "php"),
    BOT(START,    "wordpress/",          "wordpress"),
    BOT(START,    "dart/",               "dart"),
    BOT(START,    "reqwest/",            "rust"),
    BOT(START,    "hyper/",              "rust"),
    BOT(START,    "unirest",             "unirest"),
    BOT(ANYWHERE, "postmanruntime",      "postman"),
    BOT(START,    "insomnia/",           "insomnia"),
    BOT(START,    "httpie/",             "httpie"),
    BOT(ANYWHERE, "restsharp",           "dotnet"),
    BOT(START,    "microsoft winhttp",   "winhttp"),
    BOT(ANYWHERE, "windowspowershell",   "powershell"),
    BOT(START,    "apachebench/",        "load_test"),
    BOT(START,    "k6/",                 "load_test"),
    BOT(START,    "locust",              "load_test"),
    BOT(START,    "vegeta",              "load_test"),

    /* Words that crawlers describe themselves with, and the phones that are no crawlers. */
    NOTHING("cubot"),
    BOT(WORD_ENDS, "bot",        "bot"),
    BOT(ANYWHERE,  "crawler",    "bot"),
    BOT(ANYWHERE,  "crawling",   "bot"),
    BOT(ANYWHERE,  "spider",     "bot"),
    BOT(ANYWHERE,  "scraper",    "bot"),
    BOT(ANYWHERE,  "healthcheck", "bot"),
    BOT(ANYWHERE,  "health-check", "bot"),
    BOT(ANYWHERE,  "+http",      "bot"), /* "(+https://example.com/about-us)" */

    /* Platforms. Those that quote another one stand above it: Windows Phone says Android and
     * iPhone, and has neither store, so it is "other" and goes to the web; so do televisions,
     * consoles and KaiOS. iPhones say Mac OS X, Android says Linux. An iPad that asks for
     * desktop pages, which is its default, says exactly what a Mac says and counts as one. */
    PLATFORM("windows phone", OTHER),
    PLATFORM("iemobile",      OTHER),
    PLATFORM("kaios",         OTHER),
    PLATFORM("tizen",         OTHER),
    PLATFORM("web0s",         OTHER),
    PLATFORM("webos",         OTHER),
    PLATFORM("smart-tv",      OTHER),
    PLATFORM("playstation",   OTHER),
    PLATFORM("nintendo",      OTHER),
    PLATFORM("xbox",          OTHER),
    PLATFORM("openharmony",   OTHER),
    PLATFORM("iphone",        IOS),
    PLATFORM("ipad",          IOS),
    PLATFORM("ipod",          IOS),
    PLATFORM("android",       ANDROID),
    PLATFORM("windows",       WINDOWS),
    PLATFORM("macintosh",     MACOS),
    PLATFORM("mac os x",      MACOS),
    PLATFORM("cros ",         LINUX), /* ChromeOS */
    PLATFORM("linux",         LINUX),
    PLATFORM("x11",           LINUX),

    /* Apps with a browser of their own. Instagram, Threads and Messenger say FBAN or FBAV, too.
     * The DuckDuckGo app is both: an app that one searches in, and a browser. */
    IN_APP(ANYWHERE, "instagram",           "instagram"),
    IN_APP(WORD,     "barcelona ",          "threads"),
    IN_APP(ANYWHERE, "messengerforios",     "messenger"),
    IN_APP(ANYWHERE, "messengerliteforios", "messenger"),
    IN_APP(ANYWHERE, "orca-android",        "messenger"),
    IN_APP(ANYWHERE, "fb_iab/messenger",    "messenger"),
    IN_APP(ANYWHERE, "whatsapp/",           "whatsapp"),
    IN_APP(ANYWHERE, "[waios/",             "whatsapp"),
    IN_APP(ANYWHERE, "[wa4a/",              "whatsapp"),
    IN_APP(ANYWHERE, "metaiab facebook",    "facebook"),
    IN_APP(ANYWHERE, "fban/",               "facebook"),
    IN_APP(ANYWHERE, "fbav/",               "facebook"),
    IN_APP(ANYWHERE, "fb_iab",              "facebook"),
    IN_APP(ANYWHERE, "aweme_",              "douyin"), /* says BytedanceWebview, too */
    IN_APP(ANYWHERE, "musical_ly",          "tiktok"),
    IN_APP(ANYWHERE, "trill_",              "tiktok"),
    IN_APP(ANYWHERE, "bytedancewebview",    "tiktok"),
    IN_APP(ANYWHERE, "tiktok",              "tiktok"),
    IN_APP(ANYWHERE, "twitter for ip",      "twitter"), /* iPhone, iPad */
    IN_APP(ANYWHERE, "twitterandroid",      "twitter"),
    IN_APP(ANYWHERE, "telegram-android",    "telegram"),
    IN_APP(ANYWHERE, "telegram-ios",        "telegram"),
    IN_APP(ANYWHERE, "snapchat",            "snapchat"),
    IN_APP(ANYWHERE, "linkedinapp",         "linkedin"),
    IN_APP(ANYWHERE, "[pinterest/",         "pinterest"),
    IN_APP(ANYWHERE, "pinterest for",       "pinterest"),
    IN_APP(ANYWHERE, "micromessenger",      "wechat"),
    IN_APP(ANYWHERE, "kakaotalk",           "kakaotalk"),
    IN_APP(ANYWHERE, "naver(inapp",         "naver"),
    IN_APP(WORD,     "line/",               "line"),
    IN_APP(WORD,     "viber/",              "viber"),
    IN_APP(WORD,     "reddit/",             "reddit"),
    IN_APP(ANYWHERE, "teamsmobile",         "teams"),
    IN_APP(ANYWHERE, "outlook-ios",         "outlook"),
    IN_APP(ANYWHERE, "outlook-android",     "outlook"),
    IN_APP(WORD,     "gsa/",                "google"),

    /* Browsers. All quote Safari, most quote Chrome. Brave says Chrome on purpose and is seen only
     * where it names itself. A web view that says nothing of its app is "webview": "; wv" on
     * Android (https://developer.chrome.com/docs/multidevice/user-agent), an AppleWebKit without
     * Safari on iOS. */
    BROWSER(ANYWHERE, "samsungbrowser/",  "samsung"),
    BROWSER(ANYWHERE, "edga/",            "edge"),
    BROWSER(ANYWHERE, "edgios/",          "edge"),
    BROWSER(ANYWHERE, "edg/",             "edge"),
    BROWSER(ANYWHERE, "edge/",            "edge"),
    BROWSER(ANYWHERE, "opr/",             "opera"),
    BROWSER(ANYWHERE, "opera",            "opera"),
    BROWSER(WORD,     "opt/",             "opera"),
    BROWSER(ANYWHERE, "opios/",           "opera"),
    BROWSER(ANYWHERE, "ucbrowser/",       "ucbrowser"),
    BROWSER(ANYWHERE, "ucweb/",           "ucbrowser"),
    BROWSER(ANYWHERE, "miuibrowser/",     "miui"),
    BROWSER(ANYWHERE, "huaweibrowser/",   "huawei"),
    BROWSER(ANYWHERE, "heytapbrowser/",   "heytap"),
    BROWSER(ANYWHERE, "vivobrowser/",     "vivo"),
    BROWSER(WORD,     "phx/",             "phoenix"),
    BROWSER(ANYWHERE, "yabrowser/",       "yandex"),
    BROWSER(ANYWHERE, "yasearchbrowser/", "yandex"),
    BROWSER(ANYWHERE, "vivaldi/",         "vivaldi"),
    BROWSER(ANYWHERE, "silk/",            "silk"),
    BROWSER(ANYWHERE, "duckduckgo/",      "duckduckgo"),
    BROWSER(WORD,     "ddg/",             "duckduckgo"),
    BROWSER(WORD,     "brave/",           "brave"),
    BROWSER(WORD,     "whale/",           "whale"),
    BROWSER(ANYWHERE, "fxios/",           "firefox"),
    BROWSER(WORD,     "focus/",           "firefox"),
    BROWSER(ANYWHERE, "firefox/",         "firefox"),
    BROWSER(ANYWHERE, "crios/",           "chrome"),
    BROWSER(ANYWHERE, "; wv",             "webview"),
    BROWSER(ANYWHERE, "chrome/",          "chrome"),
    BROWSER(ANYWHERE, "chromium/",        "chrome"),
    BROWSER(ANYWHERE, "trident/",         "ie"),
    BROWSER(ANYWHERE, "msie ",            "ie"),
    BROWSER(ANYWHERE, "safari/",          "safari"),
    BROWSER(ANYWHERE, "applewebkit/",     "webview"),
    BROWSER(START,    "dalvik/",          "webview"),
    BROWSER(ANYWHERE, "gecko/",           "firefox"),
};
/* clang-format on */

const size_t agent_token_count = ARRAY_COUNT(agent_tokens);
