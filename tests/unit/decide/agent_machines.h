/*
 * agent_machines.h - User-Agents of preview fetchers, crawlers, monitors and tools, and what each
 * is.
 */
#ifndef AGENT_MACHINES_H
#define AGENT_MACHINES_H

#include "agent_strings.h"

/* clang-format off */
static const struct agent_string agent_machines[] = {

    /* Preview fetchers. */
    {AGENT_PREVIEW, TAP_PLATFORM_OTHER, "whatsapp", "",
     "WhatsApp/2.23.20.0 A"},
    {AGENT_PREVIEW, TAP_PLATFORM_OTHER, "whatsapp", "",
     "WhatsApp/2.24.7.78 i"},
    {AGENT_PREVIEW, TAP_PLATFORM_OTHER, "whatsapp", "",
     "WhatsApp/2.2336.7.0 W"},
    {AGENT_PREVIEW, TAP_PLATFORM_OTHER, "whatsapp", "",
     "WhatsApp/2"},
    {AGENT_PREVIEW, TAP_PLATFORM_OTHER, "facebook", "",
     "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)"},
    {AGENT_PREVIEW, TAP_PLATFORM_OTHER, "facebook", "",
     "facebookexternalhit/1.1"},
    {AGENT_PREVIEW, TAP_PLATFORM_OTHER, "facebook", "",
     "Facebot/1.0"},
    {AGENT_PREVIEW, TAP_PLATFORM_OTHER, "facebook", "",
     "meta-externalfetcher/1.1 "
     "(+https://developers.facebook.com/docs/sharing/webmasters/crawler)"},
    {AGENT_PREVIEW, TAP_PLATFORM_ANDROID, "instagram", "",
     "Instagram 219.0.0.12.117 Android"},
    {AGENT_PREVIEW, TAP_PLATFORM_OTHER, "twitter", "",
     "Twitterbot/1.0"},
    {AGENT_PREVIEW, TAP_PLATFORM_OTHER, "telegram", "",
     "TelegramBot (like TwitterBot)"},
    {AGENT_PREVIEW, TAP_PLATFORM_OTHER, "slack", "",
     "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"},
    {AGENT_PREVIEW, TAP_PLATFORM_OTHER, "slack", "",
     "Slackbot 1.0 (+https://api.slack.com/robots)"},
    {AGENT_PREVIEW, TAP_PLATFORM_OTHER, "slack", "",
     "Slack-ImgProxy (+https://api.slack.com/robots)"},
    {AGENT_PREVIEW, TAP_PLATFORM_OTHER, "linkedin", "",
     "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)"},
    {AGENT_PREVIEW, TAP_PLATFORM_OTHER, "discord", "",
     "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)"},
    {AGENT_PREVIEW, TAP_PLATFORM_MACOS, "imessage", "",
     "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) "
     "Version/9.0.1 Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0"},
    {AGENT_PREVIEW, TAP_PLATFORM_WINDOWS, "microsoft", "",
     "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 "
     "skype-url-preview@microsoft.com"},
    {AGENT_PREVIEW, TAP_PLATFORM_WINDOWS, "microsoft", "",
     "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/103.0.0.0 Safari/537.36 MicrosoftPreview/2.0 +https://aka.ms/MicrosoftPreview"},
    {AGENT_PREVIEW, TAP_PLATFORM_OTHER, "viber", "",
     "Viber/13.3.0.5 CFNetwork/1220.1 Darwin/20.3.0"},
    {AGENT_PREVIEW, TAP_PLATFORM_OTHER, "line", "",
     "facebookexternalhit/1.1;line-poker/1.0"},
    {AGENT_PREVIEW, TAP_PLATFORM_OTHER, "kakaotalk", "",
     "facebookexternalhit/1.1; kakaotalk-scrap/1.0; +https://devtalk.kakao.com/t/scrap/33984"},
    {AGENT_PREVIEW, TAP_PLATFORM_OTHER, "google_messages", "",
     "facebookexternalhit/1.1;Google-PageRenderer Google "
     "(+https://developers.google.com/+/web/snippet/)"},
    {AGENT_PREVIEW, TAP_PLATFORM_OTHER, "snapchat", "",
     "Snap URL Preview Service; bot; snapchat; https://developers.snap.com/robots"},
    {AGENT_PREVIEW, TAP_PLATFORM_OTHER, "pinterest", "",
     "Mozilla/5.0 (compatible; Pinterestbot/1.0; +http://www.pinterest.com/bot.html)"},
    {AGENT_PREVIEW, TAP_PLATFORM_OTHER, "reddit", "",
     "Mozilla/5.0 (compatible; redditbot/1.0; +http://www.reddit.com/feedback)"},
    {AGENT_PREVIEW, TAP_PLATFORM_OTHER, "mastodon", "",
     "http.rb/5.1.1 (Mastodon/4.2.8; +https://mastodon.social/)"},
    {AGENT_PREVIEW, TAP_PLATFORM_OTHER, "bluesky", "",
     "Mozilla/5.0 (compatible; Bluesky Cardyb/1.1; +mailto:support@bsky.app)"},
    {AGENT_PREVIEW, TAP_PLATFORM_OTHER, "vk", "",
     "Mozilla/5.0 (compatible; vkShare; +http://vk.com/dev/Share)"},
    {AGENT_PREVIEW, TAP_PLATFORM_OTHER, "iframely", "",
     "Iframely/1.3.1 (+https://iframely.com/docs/about)"},
    {AGENT_PREVIEW, TAP_PLATFORM_OTHER, "embedly", "",
     "Mozilla/5.0 (compatible; Embedly/0.2; +http://support.embed.ly/)"},
    {AGENT_PREVIEW, TAP_PLATFORM_OTHER, "notion", "",
     "NotionEmbedder"},

    /* Search engines and AI. */
    {AGENT_BOT, TAP_PLATFORM_OTHER, "googlebot", "",
     "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"},
    {AGENT_BOT, TAP_PLATFORM_ANDROID, "googlebot", "",
     "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, "
     "like Gecko) Chrome/124.0.6367.82 Mobile Safari/537.36 (compatible; Googlebot/2.1; "
     "+http://www.google.com/bot.html)"},
    {AGENT_BOT, TAP_PLATFORM_ANDROID, "adsbot", "",
     "Mozilla/5.0 (Linux; Android 5.0; SM-G920A) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/41.0.2272.96 Mobile Safari/537.36 (compatible; AdsBot-Google-Mobile; "
     "+http://www.google.com/mobile/adsbot.html)"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "adsbot", "",
     "AdsBot-Google (+http://www.google.com/adsbot.html)"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "google", "",
     "Google-Safety"},
    {AGENT_BOT, TAP_PLATFORM_ANDROID, "google", "",
     "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, "
     "like Gecko) Chrome/124.0.6367.82 Mobile Safari/537.36 (compatible; "
     "Google-InspectionTool/1.0;)"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "bingbot", "",
     "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"},
    {AGENT_BOT, TAP_PLATFORM_WINDOWS, "bingbot", "",
     "Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/41.0.2272.118 Safari/537.36 BingPreview/1.0b"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "yandexbot", "",
     "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "baiduspider", "",
     "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "duckduckbot", "",
     "DuckDuckBot/1.1; (+http://duckduckgo.com/duckduckbot.html)"},
    {AGENT_BOT, TAP_PLATFORM_MACOS, "applebot", "",
     "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_5) AppleWebKit/605.1.15 (KHTML, like "
     "Gecko) Version/13.1.1 Safari/605.1.15 (Applebot/0.1; +http://www.apple.com/go/applebot)"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "ahrefs", "",
     "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "semrush", "",
     "Mozilla/5.0 (compatible; SemrushBot/7~bl; +http://www.semrush.com/bot.html)"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "majestic", "",
     "Mozilla/5.0 (compatible; MJ12bot/v1.4.8; http://mj12bot.com/)"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "moz", "",
     "Mozilla/5.0 (compatible; DotBot/1.2; +https://opensiteexplorer.org/dotbot; help@moz.com)"},
    {AGENT_BOT, TAP_PLATFORM_ANDROID, "petalbot", "",
     "Mozilla/5.0 (Linux; Android 7.0;) AppleWebKit/537.36 (KHTML, like Gecko) Mobile "
     "Safari/537.36 (compatible; PetalBot;+https://webmaster.petalsearch.com/site/petalbot)"},
    {AGENT_BOT, TAP_PLATFORM_ANDROID, "bytespider", "",
     "Mozilla/5.0 (Linux; Android 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Mobile "
     "Safari/537.36 (compatible; Bytespider; spider-feedback@bytedance.com)"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "gptbot", "",
     "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; "
     "+https://openai.com/gptbot)"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "chatgpt_user", "",
     "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; ChatGPT-User/1.0; "
     "+https://openai.com/bot"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "oai_searchbot", "",
     "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; OAI-SearchBot/1.0; "
     "+https://openai.com/searchbot"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "claudebot", "",
     "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; "
     "+claudebot@anthropic.com)"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "claude_user", "",
     "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Claude-User/1.0; "
     "+Claude-User@anthropic.com)"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "perplexity", "",
     "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; PerplexityBot/1.0; "
     "+https://perplexity.ai/perplexitybot)"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "meta_ai", "",
     "meta-externalagent/1.1 "
     "(+https://developers.facebook.com/docs/sharing/webmasters/crawler)"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "ccbot", "",
     "CCBot/2.0 (https://commoncrawl.org/faq/)"},
    {AGENT_BOT, TAP_PLATFORM_MACOS, "amazonbot", "",
     "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_10_1) AppleWebKit/600.2.5 (KHTML, like Gecko) "
     "Version/8.0.2 Safari/600.2.5 (Amazonbot/0.1; "
     "+https://developer.amazon.com/support/amazonbot)"},
    {AGENT_BOT, TAP_PLATFORM_IOS, "tiktok", "",
     "Mozilla/5.0 (iPhone; CPU iPhone OS 13_2_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
     "like Gecko) Version/13.0.3 Mobile/15E148 Safari/604.1 thirdLandingPageFeInfra"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "w3c", "",
     "W3C_Validator/1.3 http://validator.w3.org/services"},

    /* Monitors. */
    {AGENT_BOT, TAP_PLATFORM_OTHER, "uptimerobot", "",
     "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "pingdom", "",
     "Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)"},
    {AGENT_BOT, TAP_PLATFORM_WINDOWS, "statuscake", "",
     "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/98.0.4758.102 Safari/537.36 StatusCake"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "site24x7", "",
     "Site24x7"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "datadog", "",
     "Datadog/Synthetics"},
    {AGENT_BOT, TAP_PLATFORM_MACOS, "better_uptime", "",
     "Better Uptime Bot Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "kubernetes", "",
     "kube-probe/1.29"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "aws", "",
     "ELB-HealthChecker/2.0"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "google", "",
     "GoogleHC/1.0"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "prometheus", "",
     "Blackbox Exporter/0.24.0"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "nagios", "",
     "check_http/v2.3.3 (nagios-plugins 2.3.3)"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "zabbix", "",
     "Zabbix 6.0.25"},

    /* HTTP libraries and tools. */
    {AGENT_BOT, TAP_PLATFORM_OTHER, "curl", "",
     "curl/7.88.1"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "wget", "",
     "Wget/1.21.3"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "python", "",
     "python-requests/2.31.0"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "python", "",
     "Python-urllib/3.11"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "python", "",
     "Python/3.11 aiohttp/3.9.3"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "python", "",
     "python-httpx/0.27.0"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "go", "",
     "Go-http-client/2.0"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "java", "",
     "Java/17.0.10"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "java", "",
     "Apache-HttpClient/4.5.14 (Java/17.0.10)"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "okhttp", "",
     "okhttp/4.12.0"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "node", "",
     "axios/1.6.8"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "node", "",
     "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "node", "",
     "undici"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "node", "",
     "node"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "node", "",
     "got (https://github.com/sindresorhus/got)"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "perl", "",
     "libwww-perl/6.68"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "ruby", "",
     "Ruby"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "php", "",
     "PHP/8.2.7"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "php", "",
     "GuzzleHttp/7"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "dart", "",
     "Dart/3.3 (dart:io)"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "postman", "",
     "PostmanRuntime/7.37.3"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "httpie", "",
     "HTTPie/3.2.2"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "scrapy", "",
     "Scrapy/2.11.1 (+https://scrapy.org)"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "masscan", "",
     "masscan/1.3 (https://github.com/robertdavidgraham/masscan)"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "zgrab", "",
     "Mozilla/5.0 zgrab/0.x"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "nmap", "",
     "Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "sqlmap", "",
     "sqlmap/1.8.3#stable (https://sqlmap.org)"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "cfnetwork", "",
     "MyApp/12 CFNetwork/1490.0.4 Darwin/23.2.0"},
    {AGENT_BOT, TAP_PLATFORM_LINUX, "headless_chrome", "",
     "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
     "HeadlessChrome/124.0.0.0 Safari/537.36"},
    {AGENT_BOT, TAP_PLATFORM_LINUX, "phantomjs", "",
     "Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/538.1 (KHTML, like Gecko) "
     "PhantomJS/2.1.1 Safari/538.1"},
    {AGENT_BOT, TAP_PLATFORM_ANDROID, "lighthouse", "",
     "Mozilla/5.0 (Linux; Android 11; moto g power (2022)) AppleWebKit/537.36 (KHTML, like "
     "Gecko) Chrome/119.0.0.0 Mobile Safari/537.36 Chrome-Lighthouse"},

    /* Crawlers nobody has heard of. */
    {AGENT_BOT, TAP_PLATFORM_OTHER, "bot", "",
     "AcmeBot/1.0"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "bot", "",
     "Mozilla/5.0 (compatible; acme-bot; https://acme.example)"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "bot", "",
     "Acme Crawler 2.1"},
    {AGENT_BOT, TAP_PLATFORM_OTHER, "bot", "",
     "Mozilla/5.0 (compatible; AcmeResearch/0.1; +https://acme.example/about-us)"},
};
/* clang-format on */

#endif
