/*
 * agent_people.h - User-Agents of people, in browsers and in apps, and what each is.
 */
#ifndef AGENT_PEOPLE_H
#define AGENT_PEOPLE_H

#include "agent_strings.h"

/* clang-format off */
static const struct agent_string agent_people[] = {
    /* Browsers on phones and tablets. */
    {AGENT_PERSON, TAP_PLATFORM_ANDROID, "chrome", "",
     "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/124.0.0.0 Mobile Safari/537.36"},
    {AGENT_PERSON, TAP_PLATFORM_ANDROID, "chrome", "",
     "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/124.0.6367.82 Mobile Safari/537.36"},
    {AGENT_PERSON, TAP_PLATFORM_ANDROID, "samsung", "",
     "Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-S918B) AppleWebKit/537.36 (KHTML, like "
     "Gecko) SamsungBrowser/24.0 Chrome/117.0.0.0 Mobile Safari/537.36"},
    {AGENT_PERSON, TAP_PLATFORM_ANDROID, "miui", "",
     "Mozilla/5.0 (Linux; U; Android 12; es-mx; M2101K6G Build/SKQ1.210908.001) "
     "AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/100.0.4896.127 Mobile "
     "Safari/537.36 XiaoMi/MiuiBrowser/13.30.1-gn"},
    {AGENT_PERSON, TAP_PLATFORM_ANDROID, "huawei", "",
     "Mozilla/5.0 (Linux; Android 10; ELE-L29; HMSCore 6.13.0.302) AppleWebKit/537.36 (KHTML, "
     "like Gecko) Chrome/114.0.5735.196 HuaweiBrowser/14.0.4.301 Mobile Safari/537.36"},
    {AGENT_PERSON, TAP_PLATFORM_ANDROID, "heytap", "",
     "Mozilla/5.0 (Linux; Android 13; CPH2387) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/115.0.5790.168 Mobile Safari/537.36 HeyTapBrowser/45.10.5.1"},
    {AGENT_PERSON, TAP_PLATFORM_ANDROID, "firefox", "",
     "Mozilla/5.0 (Android 14; Mobile; rv:125.0) Gecko/125.0 Firefox/125.0"},
    {AGENT_PERSON, TAP_PLATFORM_ANDROID, "opera", "",
     "Mozilla/5.0 (Linux; Android 10; moto g(8) power) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/123.0.0.0 Mobile Safari/537.36 OPR/81.0.4292.78446"},
    {AGENT_PERSON, TAP_PLATFORM_ANDROID, "opera", "",
     "Opera/9.80 (Android; Opera Mini/69.0.2254/191.303; U; es) Presto/2.12.423 Version/12.16"},
    {AGENT_PERSON, TAP_PLATFORM_ANDROID, "ucbrowser", "",
     "Mozilla/5.0 (Linux; U; Android 11; es-LA; moto e20 Build/RONS31.267) AppleWebKit/537.36 "
     "(KHTML, like Gecko) Version/4.0 Chrome/100.0.4896.58 UCBrowser/13.4.2.1307 Mobile "
     "Safari/537.36"},
    {AGENT_PERSON, TAP_PLATFORM_ANDROID, "edge", "",
     "Mozilla/5.0 (Linux; Android 10; HD1913) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/124.0.6367.82 Mobile Safari/537.36 EdgA/123.0.2420.102"},
    {AGENT_PERSON, TAP_PLATFORM_ANDROID, "duckduckgo", "",
     "Mozilla/5.0 (Linux; Android 12; Pixel 6) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/124.0.6367.82 Mobile DuckDuckGo/5 Safari/537.36"},
    {AGENT_PERSON, TAP_PLATFORM_ANDROID, "yandex", "",
     "Mozilla/5.0 (Linux; arm_64; Android 13; SM-A515F) AppleWebKit/537.36 (KHTML, like "
     "Gecko) Chrome/118.0.5993.2 YaBrowser/23.11.6.54.00 SA/3 Mobile Safari/537.36"},
    {AGENT_PERSON, TAP_PLATFORM_ANDROID, "phoenix", "",
     "Mozilla/5.0 (Linux; Android 13; Infinix X6831) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/106.0.5249.126 Mobile Safari/537.36 PHX/12.9"},
    {AGENT_PERSON, TAP_PLATFORM_ANDROID, "silk", "",
     "Mozilla/5.0 (Linux; Android 9; KFTRWI) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Silk/123.5.1 like Chrome/123.0.6312.118 Safari/537.36"},
    {AGENT_PERSON, TAP_PLATFORM_ANDROID, "vivo", "",
     "Mozilla/5.0 (Linux; Android 13; V2134; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Version/4.0 Chrome/87.0.4280.141 Mobile Safari/537.36 VivoBrowser/11.4.0.0"},
    {AGENT_PERSON, TAP_PLATFORM_ANDROID, "chrome", "",
     "Mozilla/5.0 (Linux; Android 11; CUBOT_NOTE_20) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/124.0.0.0 Mobile Safari/537.36"},
    {AGENT_PERSON, TAP_PLATFORM_ANDROID, "chrome", "",
     "Mozilla/5.0 (Linux; Android 9; CUBOT Build/PPR1.180610.011) AppleWebKit/537.36 (KHTML, "
     "like Gecko) Chrome/98.0.4758.101 Mobile Safari/537.36"},
    {AGENT_PERSON, TAP_PLATFORM_ANDROID, "chrome", "",
     "Mozilla/5.0 (Linux; Android 10; CUBOT) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/120.0.0.0 Mobile Safari/537.36"},
    {AGENT_PERSON, TAP_PLATFORM_ANDROID, "safari", "",
     "Mozilla/5.0 (Linux; U; Android 4.1.2; es-mx; GT-I8190L Build/JZO54K) AppleWebKit/534.30 "
     "(KHTML, like Gecko) Version/4.0 Mobile Safari/534.30"},
    {AGENT_PERSON, TAP_PLATFORM_ANDROID, "webview", "",
     "Dalvik/2.1.0 (Linux; U; Android 13; SM-A135M Build/TP1A.220624.014)"},
    {AGENT_PERSON, TAP_PLATFORM_IOS, "safari", "",
     "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
     "like Gecko) Version/17.4.1 Mobile/15E148 Safari/604.1"},
    {AGENT_PERSON, TAP_PLATFORM_IOS, "safari", "",
     "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
     "Version/16.6 Mobile/15E148 Safari/604.1"},
    {AGENT_PERSON, TAP_PLATFORM_IOS, "safari", "",
     "Mozilla/5.0 (iPod touch; CPU iPhone OS 12_5_7 like Mac OS X) AppleWebKit/605.1.15 "
     "(KHTML, like Gecko) Version/12.1.2 Mobile/15E148 Safari/604.1"},
    {AGENT_PERSON, TAP_PLATFORM_IOS, "chrome", "",
     "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
     "like Gecko) CriOS/124.0.6367.88 Mobile/15E148 Safari/604.1"},
    {AGENT_PERSON, TAP_PLATFORM_IOS, "firefox", "",
     "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
     "like Gecko) FxiOS/125.0 Mobile/15E148 Safari/605.1.15"},
    {AGENT_PERSON, TAP_PLATFORM_IOS, "edge", "",
     "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
     "like Gecko) Version/17.0 EdgiOS/123.0.2420.108 Mobile/15E148 Safari/604.1"},
    {AGENT_PERSON, TAP_PLATFORM_IOS, "opera", "",
     "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
     "like Gecko) Version/17.4.1 Mobile/15E148 Safari/604.1 OPT/4.6.1"},
    {AGENT_PERSON, TAP_PLATFORM_IOS, "duckduckgo", "",
     "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
     "like Gecko) Version/17.4.1 Mobile/15E148 Safari/604.1 Ddg/17.4"},
    {AGENT_PERSON, TAP_PLATFORM_IOS, "yandex", "",
     "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
     "like Gecko) Version/17.0 YaBrowser/24.4.3.396.10 SA/3 Mobile/15E148 Safari/604.1"},
    {AGENT_PERSON, TAP_PLATFORM_IOS, "safari", "google",
     "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
     "like Gecko) GSA/314.0.624995494 Mobile/15E148 Safari/604.1"},
    {AGENT_PERSON, TAP_PLATFORM_IOS, "webview", "",
     "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
     "like Gecko) Mobile/15E148"},
    {AGENT_PERSON, TAP_PLATFORM_OTHER, "ie", "",
     "Mozilla/5.0 (Mobile; Windows Phone 8.1; Android 4.0; ARM; Trident/7.0; Touch; rv:11.0; "
     "IEMobile/11.0; NOKIA; Lumia 520) like iPhone OS 7_0_3 Mac OS X AppleWebKit/537 (KHTML, "
     "like Gecko) Mobile Safari/537"},
    {AGENT_PERSON, TAP_PLATFORM_OTHER, "firefox", "",
     "Mozilla/5.0 (Mobile; Nokia_8110_4G; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5"},
    {AGENT_PERSON, TAP_PLATFORM_OTHER, "huawei", "",
     "Mozilla/5.0 (Phone; OpenHarmony 5.0) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/114.0.0.0 Safari/537.36 ArkWeb/4.1.6.1 Mobile HuaweiBrowser/5.0.4.300"},

    /* Browsers on desktops and televisions. An iPad says the same as the Mac. */
    {AGENT_PERSON, TAP_PLATFORM_MACOS, "safari", "",
     "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like "
     "Gecko) Version/17.4.1 Safari/605.1.15"},
    {AGENT_PERSON, TAP_PLATFORM_MACOS, "chrome", "",
     "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/124.0.0.0 Safari/537.36"},
    {AGENT_PERSON, TAP_PLATFORM_WINDOWS, "edge", "",
     "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/124.0.0.0 Safari/537.36 Edg/124.0.0.0"},
    {AGENT_PERSON, TAP_PLATFORM_WINDOWS, "firefox", "",
     "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:125.0) Gecko/20100101 Firefox/125.0"},
    {AGENT_PERSON, TAP_PLATFORM_WINDOWS, "ie", "",
     "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko"},
    {AGENT_PERSON, TAP_PLATFORM_WINDOWS, "vivaldi", "",
     "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/122.0.0.0 Safari/537.36 Vivaldi/6.6.3271.61"},
    {AGENT_PERSON, TAP_PLATFORM_LINUX, "chrome", "",
     "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 "
     "Safari/537.36"},
    {AGENT_PERSON, TAP_PLATFORM_LINUX, "firefox", "",
     "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0"},
    {AGENT_PERSON, TAP_PLATFORM_LINUX, "chrome", "",
     "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/124.0.0.0 Safari/537.36"},
    {AGENT_PERSON, TAP_PLATFORM_OTHER, "safari", "",
     "Mozilla/5.0 (SMART-TV; LINUX; Tizen 7.0) AppleWebKit/537.36 (KHTML, like Gecko) "
     "94.0.4606.31/7.0 TV Safari/537.36"},
    {AGENT_PERSON, TAP_PLATFORM_OTHER, "safari", "",
     "Mozilla/5.0 (PlayStation; PlayStation 5/2.26) AppleWebKit/605.1.15 (KHTML, like Gecko) "
     "Version/13.0 Safari/605.1.15"},
    {AGENT_PERSON, TAP_PLATFORM_OTHER, "edge", "",
     "Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox One) AppleWebKit/537.36 (KHTML, "
     "like Gecko) Chrome/48.0.2564.82 Safari/537.36 Edge/20.02"},

    /* People in an app's own browser. */
    {AGENT_PERSON, TAP_PLATFORM_IOS, "webview", "instagram",
     "Mozilla/5.0 (iPhone; CPU iPhone OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
     "like Gecko) Mobile/15E148 Instagram 300.0.0.29.110 (iPhone14,5; iOS 16_6; es_MX; es; "
     "scale=3.00; 1170x2532; 511112223)"},
    {AGENT_PERSON, TAP_PLATFORM_ANDROID, "webview", "instagram",
     "Mozilla/5.0 (Linux; Android 14; Pixel 7 Build/UQ1A.240205.002; wv) AppleWebKit/537.36 "
     "(KHTML, like Gecko) Version/4.0 Chrome/122.0.6261.64 Mobile Safari/537.36 Instagram "
     "320.0.0.42.101 Android (34/14; 420dpi; 1080x2201; Google/google; Pixel 7; panther; "
     "panther; es_MX; 573323656)"},
    {AGENT_PERSON, TAP_PLATFORM_IOS, "webview", "facebook",
     "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
     "like Gecko) Mobile/21E236 "
     "[FBAN/FBIOS;FBAV/459.0.0.32.105;FBBV/587212521;FBDV/iPhone12,1;FBMD/iPhone;FBSN/iOS;FBSV"
     "/17.4.1;FBSS/2;FBID/phone;FBLC/es_LA;FBOP/5]"},
    {AGENT_PERSON, TAP_PLATFORM_ANDROID, "webview", "facebook",
     "Mozilla/5.0 (Linux; Android 13; SM-A336M Build/TP1A.220624.014; wv) AppleWebKit/537.36 "
     "(KHTML, like Gecko) Version/4.0 Chrome/123.0.6312.118 Mobile Safari/537.36 "
     "[FB_IAB/FB4A;FBAV/459.0.0.44.109;]"},
    {AGENT_PERSON, TAP_PLATFORM_IOS, "webview", "messenger",
     "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
     "like Gecko) Mobile/15E148 "
     "[FBAN/MessengerForiOS;FBAV/452.0.0.37.109;FBBV/586000000;FBDV/iPhone15,2;FBMD/iPhone;FBS"
     "N/iOS;FBSV/17.4.1;FBSS/3;FBID/phone;FBLC/es_MX;FBOP/5]"},
    {AGENT_PERSON, TAP_PLATFORM_ANDROID, "webview", "messenger",
     "Mozilla/5.0 (Linux; Android 12; moto g52 Build/S1SRS32; wv) AppleWebKit/537.36 (KHTML, "
     "like Gecko) Version/4.0 Chrome/122.0.6261.119 Mobile Safari/537.36 "
     "[FB_IAB/Orca-Android;FBAV/448.0.0.40.119;]"},
    {AGENT_PERSON, TAP_PLATFORM_IOS, "webview", "threads",
     "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
     "like Gecko) Mobile/15E148 Barcelona 325.0.0.34.90 (iPhone15,3; iOS 17_4_1; es_MX; es; "
     "scale=3.00; 1290x2796; 583000000)"},
    {AGENT_PERSON, TAP_PLATFORM_ANDROID, "webview", "whatsapp",
     "Mozilla/5.0 (Linux; Android 13; SM-A536B; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Version/4.0 Chrome/120.0.6099.144 Mobile Safari/537.36 WhatsApp/2.23.25.83"},
    {AGENT_PERSON, TAP_PLATFORM_IOS, "webview", "tiktok",
     "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
     "like Gecko) Mobile/15E148 musical_ly_33.9.0 JsSdk/2.0 NetType/WIFI Channel/App Store "
     "ByteLocale/es Region/MX isDarkMode/0 WKWebView/1 RevealType/Dialog "
     "BytedanceWebview/d8a21c6"},
    {AGENT_PERSON, TAP_PLATFORM_ANDROID, "webview", "tiktok",
     "Mozilla/5.0 (Linux; Android 12; M2101K7BNY; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Version/4.0 Chrome/112.0.5615.136 Mobile Safari/537.36 trill_2023208050 JsSdk/1.0 "
     "NetType/4G Channel/googleplay AppName/musical_ly app_version/32.8.5 ByteLocale/es "
     "ByteFullLocale/es Region/MX BytedanceWebview/d8a21c6"},
    {AGENT_PERSON, TAP_PLATFORM_IOS, "webview", "twitter",
     "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
     "like Gecko) Mobile/15E148 Twitter for iPhone/10.36.1"},
    {AGENT_PERSON, TAP_PLATFORM_ANDROID, "webview", "twitter",
     "Mozilla/5.0 (Linux; Android 13; SM-G991B Build/TP1A.220624.014; wv) AppleWebKit/537.36 "
     "(KHTML, like Gecko) Version/4.0 Chrome/123.0.6312.99 Mobile Safari/537.36 TwitterAndroid"},
    {AGENT_PERSON, TAP_PLATFORM_ANDROID, "chrome", "telegram",
     "Mozilla/5.0 (Linux; Android 14; K) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/124.0.6367.82 Mobile Safari/537.36 Telegram-Android/10.12.0 (Samsung SM-S911B; "
     "Android 14; SDK 34; HIGH)"},
    {AGENT_PERSON, TAP_PLATFORM_IOS, "safari", "snapchat",
     "Mozilla/5.0 (iPhone; CPU iPhone OS 17_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
     "like Gecko) Mobile/21D50 Snapchat/12.75.0.40 (like Safari/8617.2.4.10.7, panda)"},
    {AGENT_PERSON, TAP_PLATFORM_IOS, "webview", "linkedin",
     "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
     "like Gecko) Mobile/15E148 [LinkedInApp]/9.29.6325"},
    {AGENT_PERSON, TAP_PLATFORM_IOS, "webview", "pinterest",
     "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
     "like Gecko) Mobile/15E148 [Pinterest/iOS]"},
    {AGENT_PERSON, TAP_PLATFORM_IOS, "webview", "line",
     "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
     "like Gecko) Mobile/15E148 Safari Line/14.5.0"},
    {AGENT_PERSON, TAP_PLATFORM_IOS, "webview", "wechat",
     "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
     "like Gecko) Mobile/15E148 MicroMessenger/8.0.49(0x18003130) NetType/WIFI Language/es"},
    {AGENT_PERSON, TAP_PLATFORM_ANDROID, "webview", "kakaotalk",
     "Mozilla/5.0 (Linux; Android 13; SM-S908N; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Version/4.0 Chrome/123.0.6312.99 Mobile Safari/537.36;KAKAOTALK 2410680"},
    {AGENT_PERSON, TAP_PLATFORM_ANDROID, "webview", "viber",
     "Mozilla/5.0 (Linux; Android 12; SM-A127M; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Version/4.0 Chrome/123.0.6312.80 Mobile Safari/537.36 Viber/21.9.5.0"},
};
/* clang-format on */

#endif
