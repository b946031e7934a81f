/*
 * agent_phones.h - User-Agents of current phones and of the browsers within apps, as people sent or
 * reported them (of browsers: as their pattern has it), and all that is made of each, the version
 * of the system included.
 */
#ifndef AGENT_PHONES_H
#define AGENT_PHONES_H

#include <stdint.h>

#include "agent_strings.h"

struct agent_phone {
    struct agent_string is;
    const char *version;
};

/* clang-format off */
static const struct agent_phone agent_phones[] = {

    /* Android's browsers. Chrome has said "Android 10; K" since version 110, others tell. */
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "chrome", "",
      "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
      "Chrome/131.0.0.0 Mobile Safari/537.36"},
     "0"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "chrome", "",
      "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
      "Chrome/144.0.0.0 Safari/537.36"},
     "0"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "chrome", "",
      "Mozilla/5.0 (Linux; Android 11; SM-A207M) AppleWebKit/537.36 (KHTML, like Gecko) "
      "Chrome/109.0.5414.117 Mobile Safari/537.36"},
     "11"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "chrome", "",
      "Mozilla/5.0 (Linux; Android 12; moto g(30)) AppleWebKit/537.36 (KHTML, like Gecko) "
      "Chrome/108.0.0.0 Mobile Safari/537.36"},
     "12"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "chrome", "",
      "Mozilla/5.0 (Linux; Android 13; M2101K6G) AppleWebKit/537.36 (KHTML, like Gecko) "
      "Chrome/107.0.0.0 Mobile Safari/537.36"},
     "13"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "chrome", "",
      "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
      "Chrome/124.0.6367.82 Mobile Safari/537.36"},
     "14"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "samsung", "",
      "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
      "SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36"},
     "0"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "samsung", "",
      "Mozilla/5.0 (Linux; Android 13; SAMSUNG SM-A546E) AppleWebKit/537.36 (KHTML, like "
      "Gecko) SamsungBrowser/22.0 Chrome/111.0.5563.116 Mobile Safari/537.36"},
     "13"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "miui", "",
      "Mozilla/5.0 (Linux; U; Android 14; es-us; 23053RN02L Build/UP1A.230905.011) "
      "AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/119.0.6045.193 Mobile "
      "Safari/537.36 XiaoMi/MiuiBrowser/14.31.1-gn"},
     "14"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "heytap", "",
      "Mozilla/5.0 (Linux; U; Android 15; en-gb; CPH2617 Build/AP3A.240617.008) "
      "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.6422.72 Mobile Safari/537.36 "
      "HeyTapBrowser/45.13.6.1"},
     "15"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "phoenix", "",
      "Mozilla/5.0 (Linux; U; Android 15; ar-eg; RMX3760 Build/AP3A.240905.015.A2) "
      "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/108.0.5359.128 Mobile Safari/537.36 "
      "PHX/20.0"},
     "15"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "opera", "",
      "Mozilla/5.0 (Linux; Android 16; SM-X115 Build/BP2A.250605.031.A3) AppleWebKit/537.36 "
      "(KHTML, like Gecko) Chrome/145.0.7632.122 Safari/537.36 OPT/2.9"},
     "16"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "firefox", "",
      "Mozilla/5.0 (Android 15; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0"},
     "15"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "firefox", "",
      "Mozilla/5.0 (Android; Mobile; rv:40.0) Gecko/40.0 Firefox/40.0"},
     "0"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "safari", "",
      "Mozilla/5.0 (Linux; U; Android 4.1.2; es-mx; GT-I8190L Build/JZO54K) "
      "AppleWebKit/534.30 (KHTML, like Gecko) Version/4.0 Mobile Safari/534.30"},
     "4.1.2"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "chrome", "",
      "Mozilla/5.0 (Linux; Android 7.1.1; Moto G (5S) Build/NPPS26.102-49-11) "
      "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.6045.66 Mobile Safari/537.36"},
     "7.1.1"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "webview", "",
      "Dalvik/2.1.0 (Linux; U; Android 13; SM-A135M Build/TP1A.220624.014)"},
     "13"},

    /* Apps on Android. */
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "webview", "instagram",
      "Mozilla/5.0 (Linux; Android 14; Pixel 7 Build/UQ1A.240205.002; wv) "
      "AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/122.0.6261.64 Mobile "
      "Safari/537.36 Instagram 320.0.0.42.101 Android (34/14; 420dpi; 1080x2201; "
      "Google/google; Pixel 7; panther; panther; es_MX; 573323656)"},
     "14"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "webview", "instagram",
      "Mozilla/5.0 (Linux; Android 11; Mi A3 Build/RKQ1.200903.002; wv) AppleWebKit/537.36 "
      "(KHTML, like Gecko) Version/4.0 Chrome/131.0.6778.14 Mobile Safari/537.36 Instagram "
      "355.0.0.37.103 Android (30/11; 320dpi; 720x1411; Xiaomi; Mi A3; laurel_sprout; qcom; "
      "pt_BR; 657300861)"},
     "11"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "webview", "instagram",
      "Mozilla/5.0 (Linux; Android 8.1.0; SM-T580 Build/M1AJQ; wv) AppleWebKit/537.36 "
      "(KHTML, like Gecko) Version/4.0 Chrome/80.0.3987.149 Safari/537.36 Instagram "
      "136.0.0.34.124 Android (27/8.1.0; 240dpi; 1200x1920; samsung; SM-T580; gtaxlwifi; "
      "samsungexynos7870; en_GB; 208061721)"},
     "8.1"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "webview", "threads",
      "Mozilla/5.0 (Linux; Android 16; SM-S911B Build/BP2A.250605.031.A3; wv) "
      "AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/144.0.7559.59 Mobile "
      "Safari/537.36 Barcelona 415.0.0.36.77 Android (36/16; 480dpi; 1080x2340; samsung; "
      "SM-S911B; dm1q; qcom; en_US; 874515858)"},
     "16"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "webview", "threads",
      "Mozilla/5.0 (Linux; Android 14; 23124RA7EO Build/UKQ1.231207.002; wv) "
      "AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/144.0.7559.109 Mobile "
      "Safari/537.36 Barcelona 414.0.0.39.83 Android (34/14; 440dpi; 1080x2400; "
      "Xiaomi/Redmi; 23124RA7EO; sapphiren; qcom; in_ID; 869910040)"},
     "14"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "webview", "facebook",
      "Mozilla/5.0 (Linux; Android 13; SM-A336M Build/TP1A.220624.014; wv) "
      "AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/123.0.6312.118 Mobile "
      "Safari/537.36 [FB_IAB/FB4A;FBAV/459.0.0.44.109;]"},
     "13"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "webview", "facebook",
      "Mozilla/5.0 (Linux; Android 10; ONEPLUS A6000 Build/QKQ1.190716.003; wv) "
      "AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/93.0.4577.82 Mobile "
      "Safari/537.36 [FB_IAB/FB4A;FBAV/335.0.0.28.118;]"},
     "10"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "webview", "messenger",
      "Mozilla/5.0 (Linux; Android 11; RMX1931 Build/RKQ1.200928.002; wv) "
      "AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/93.0.4577.82 Mobile "
      "Safari/537.36 [FB_IAB/Orca-Android;FBAV/331.0.0.15.119;]"},
     "11"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "webview", "messenger",
      "Mozilla/5.0 (Linux; Android 6.0.1; SM-A910F Build/MMB29M; wv) AppleWebKit/537.36 "
      "(KHTML, like Gecko) Version/4.0 Chrome/58.0.3029.83 Mobile Safari/537.36 "
      "[FB_IAB/MESSENGER;FBAV/120.0.0.14.84;]"},
     "6.0.1"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "webview", "whatsapp",
      "Mozilla/5.0 (Linux; Android 13; SM-A536B; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
      "Version/4.0 Chrome/120.0.6099.144 Mobile Safari/537.36 WhatsApp/2.23.25.83"},
     "13"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "webview", "tiktok",
      "Mozilla/5.0 (Linux; Android 14; Infinix X6853 Build/UP1A.231005.007; wv) "
      "AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/126.0.6478.134 Mobile "
      "Safari/537.36 trill_350603 JsSdk/1.0 NetType/WIFI Channel/googleplay AppName/trill "
      "app_version/35.6.3 ByteLocale/ms-MY ByteFullLocale/ms-MY Region/MY AppId/1180 "
      "Spark/1.5.9.5-bugfix AppVersion/35.6.3 BytedanceWebview/d8a21c6"},
     "14"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "chrome", "tiktok",
      "Mozilla/5.0 (Linux; Android 14; SM-S901U Build/UP1A.231005.007; ) AppleWebKit/537.36 "
      "(KHTML, like Gecko) Version/4.0 Chrome/126.0.6478.134 Mobile Safari/537.36 "
      "musical_ly_2023507030 JsSdk/1.0 NetType/WIFI Channel/googleplay AppName/musical_ly "
      "app_version/35.7.3 ByteLocale/en ByteFullLocale/en Region/US AppId/1233 "
      "Spark/1.5.9.5-bugfix AppVersion/35.7.3 BytedanceWebview/d8a21c6"},
     "14"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "webview", "douyin",
      "Mozilla/5.0 (Linux; Android 14; KB2000 Build/AP2A.240905.003; wv) AppleWebKit/537.36 "
      "(KHTML, like Gecko) Version/4.0 Chrome/126.0.6478.71 Mobile Safari/537.36 "
      "aweme_320000 JsSdk/1.0 NetType/WIFI Channel/doutui_android_1128_81p6qc AppName/aweme "
      "app_version/32.0.0 ByteLocale/zh-Hans-CN Region/CN AppSkin/white AppTheme/light "
      "BULLET/1 BytedanceWebview/d8a21c6 TTWebView/1261130062414"},
     "14"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "chrome", "telegram",
      "Mozilla/5.0 (Linux; Android 15; K) AppleWebKit/537.36 (KHTML, like Gecko) "
      "Chrome/144.0.7559.132 Safari/537.36 Telegram-Android/12.4.1 (Xiaomi 2405CRPFDG; "
      "Android 15; SDK 35; HIGH)"},
     "15"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "chrome", "telegram",
      "Mozilla/5.0 (Linux; Android 11; K) AppleWebKit/537.36 (KHTML, like Gecko) "
      "Chrome/129.0.6668.70 Mobile Safari/537.36 Telegram-Android/11.2.1 (Tecno mobile "
      "limited TECNO CH7n; Android 11; SDK 30; AVERAGE)"},
     "11"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "webview", "line",
      "Mozilla/5.0 (Linux; Android 6.0.1; CPH1701 Build/MMB29M; wv) AppleWebKit/537.36 "
      "(KHTML, like Gecko) Version/4.0 Chrome/80.0.3987.162 Mobile Safari/537.36 "
      "Line/10.5.1/IAB"},
     "6.0.1"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "chrome", "wechat",
      "Mozilla/5.0 (Linux; Android 9; Redmi Note 5 Build/PKQ1.180904.001) "
      "AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/78.0.3904.62 XWEB/2853 "
      "MMWEBSDK/201201 Mobile Safari/537.36 MMWEBID/1119 "
      "MicroMessenger/7.0.22.1820(0x2700163B) Process/toolsmp WeChat/arm64 Weixin "
      "NetType/WIFI Language/en ABI/arm64"},
     "9"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "webview", "kakaotalk",
      "Mozilla/5.0 (Linux; Android 12; SM-G988N Build/SP1A.210812.016; wv) "
      "AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/100.0.4896.79 Mobile "
      "Safari/537.36;KAKAOTALK 2409760"},
     "12"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "chrome", "kakaotalk",
      "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
      "Version/4.0 Chrome/131.0.0.0 Mobile Safari/537.36 KAKAOTALK/10.2.3 (INAPP)"},
     "0"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "whale", "naver",
      "Mozilla/5.0 (Linux; Android 12; SM-G988N Build/SP1A.210812.016; wv) "
      "AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/90.0.4430.232 "
      "Whale/1.0.0.0 Crosswalk/26.90.3.21 Mobile Safari/537.36 NAVER(inapp; search; 1010; "
      "11.11.2)"},
     "12"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "webview", "twitter",
      "Mozilla/5.0 (Linux; Android 9; Nokia 2.1 Build/PKQ1.181105.001; wv) "
      "AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/74.0.3729.157 Mobile "
      "Safari/537.36 TwitterAndroid"},
     "9"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "webview", "google",
      "Mozilla/5.0 (Linux; Android 9; Pixel 3 Build/PQ1A.181205.006; wv) AppleWebKit/537.36 "
      "(KHTML, like Gecko) Version/4.0 Chrome/71.0.3578.99 Mobile Safari/537.36 "
      "GSA/8.65.5.21.arm64"},
     "9"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "chrome", "pinterest",
      "Mozilla/5.0 (Linux; Android 4.4.2; A3-A11 Build/KOT49H) AppleWebKit/537.36 (KHTML "
      "like Gecko) Version/4.0 Chrome/30.0.0.0 Safari/537.36 [Pinterest/Android]"},
     "4.4.2"},
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "webview", "viber",
      "Mozilla/5.0 (Linux; Android 12; SM-A127M; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
      "Version/4.0 Chrome/123.0.6312.80 Mobile Safari/537.36 Viber/21.9.5.0"},
     "12"},

    /* Safari and other browsers on iPhones and iPads. From iOS 26 on, Safari's system is frozen. */
    {{AGENT_PERSON, TAP_PLATFORM_IOS, "safari", "",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 15_8_3 like Mac OS X) AppleWebKit/605.1.15 "
      "(KHTML, like Gecko) Version/15.6.6 Mobile/15E148 Safari/604.1"},
     "15.8.3"},
    {{AGENT_PERSON, TAP_PLATFORM_IOS, "safari", "",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
      "like Gecko) Version/16.6 Mobile/15E148 Safari/604.1"},
     "16.6"},
    {{AGENT_PERSON, TAP_PLATFORM_IOS, "safari", "",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 "
      "(KHTML, like Gecko) Version/17.4.1 Mobile/15E148 Safari/604.1"},
     "17.4.1"},
    {{AGENT_PERSON, TAP_PLATFORM_IOS, "safari", "",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
      "like Gecko) Version/18.6 Mobile/15E148 Safari/604.1"},
     "18.6"},
    {{AGENT_PERSON, TAP_PLATFORM_IOS, "safari", "",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
      "like Gecko) Version/26.0 Mobile/15E148 Safari/604.1"},
     "26"},
    {{AGENT_PERSON, TAP_PLATFORM_IOS, "safari", "",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
      "like Gecko) Version/26.4 Mobile/15E148 Safari/604.1"},
     "26.4"},
    {{AGENT_PERSON, TAP_PLATFORM_IOS, "safari", "",
      "Mozilla/5.0 (iPod touch; CPU iPhone OS 12_5_7 like Mac OS X) AppleWebKit/605.1.15 "
      "(KHTML, like Gecko) Version/12.1.2 Mobile/15E148 Safari/604.1"},
     "12.5.7"},
    {{AGENT_PERSON, TAP_PLATFORM_IOS, "safari", "",
      "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
      "Gecko) Version/16.6 Mobile/15E148 Safari/604.1"},
     "16.6"},
    {{AGENT_PERSON, TAP_PLATFORM_IOS, "safari", "",
      "Mozilla/5.0 (iPad; CPU OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
      "Gecko) Version/26.2 Mobile/15E148 Safari/604.1"},
     "26.2"},
    {{AGENT_PERSON, TAP_PLATFORM_IOS, "chrome", "",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 "
      "(KHTML, like Gecko) CriOS/124.0.6367.88 Mobile/15E148 Safari/604.1"},
     "17.4.1"},
    {{AGENT_PERSON, TAP_PLATFORM_IOS, "firefox", "",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
      "like Gecko) FxiOS/133.0 Mobile/15E148 Safari/605.1.15"},
     "18.1"},
    {{AGENT_PERSON, TAP_PLATFORM_IOS, "edge", "",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 "
      "(KHTML, like Gecko) Version/17.0 EdgiOS/123.0.2420.108 Mobile/15E148 Safari/604.1"},
     "17.4.1"},

    /* Apps on iPhones. In their web views, too, the system may be frozen, and told further on. */
    {{AGENT_PERSON, TAP_PLATFORM_IOS, "webview", "instagram",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
      "like Gecko) Mobile/22B83 Instagram 354.0.0.29.90 (iPhone12,8; iOS 18_1; en_US; en; "
      "scale=2.00; 750x1334; 654111336; IABMV/1)"},
     "18.1"},
    {{AGENT_PERSON, TAP_PLATFORM_IOS, "safari", "instagram",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
      "like Gecko) Mobile/22F76 Instagram 393.1.0.36.70 (iPhone15,3; iOS 18_5; en_US; en; "
      "scale=3.00; 1290x2796; IABMV/1; 776538208) Safari/604.1)"},
     "18.5"},
    {{AGENT_PERSON, TAP_PLATFORM_IOS, "safari", "instagram",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 26_4_1 like Mac OS X) AppleWebKit/605.1.15 "
      "(KHTML, like Gecko) Mobile/23E254 Instagram 424.1.0.31.54 (iPhone18,4; iOS 26_4_1; "
      "en_GB; en-GB; scale=3.00; 1260x2736; IABMV/1; 933996394) NW/3 Safari/604.1"},
     "26.4.1"},
    {{AGENT_PERSON, TAP_PLATFORM_IOS, "webview", "threads",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
      "like Gecko) Mobile/23C55 Barcelona 414.1.0.26.79 (iPhone14,7; iOS 26_2; pt_BR; pt; "
      "scale=3.00; 960x2079; IABMV/1; 870367664)"},
     "26.2"},
    {{AGENT_PERSON, TAP_PLATFORM_IOS, "webview", "facebook",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
      "like Gecko) Mobile/22B83 "
      "[FBAN/FBIOS;FBAV/488.0.0.68.101;FBBV/658219612;FBDV/iPhone12,8;FBMD/iPhone;FBSN/iOS;"
      "FBSV/18.1;FBSS/2;FBID/phone;FBLC/en_US;FBOP/5;FBRV/0;IABMV/1]"},
     "18.1"},
    {{AGENT_PERSON, TAP_PLATFORM_IOS, "safari", "facebook",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6_2 like Mac OS X) AppleWebKit/605.1.15 "
      "(KHTML, like Gecko) Mobile/22G100 Safari/604.1 MetaIAB Facebook"},
     "18.6.2"},
    {{AGENT_PERSON, TAP_PLATFORM_IOS, "webview", "messenger",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 "
      "(KHTML, like Gecko) Mobile/15E148 "
      "[FBAN/MessengerForiOS;FBAV/452.0.0.37.109;FBBV/586000000;FBDV/iPhone15,2;FBMD/iPhone"
      ";FBSN/iOS;FBSV/17.4.1;FBSS/3;FBID/phone;FBLC/es_MX;FBOP/5]"},
     "17.4.1"},
    {{AGENT_PERSON, TAP_PLATFORM_IOS, "safari", "whatsapp",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0_1 like Mac OS X) AppleWebKit/605.1.15 "
      "(KHTML, like Gecko) Version/26.0.1 Mobile/15E148 Safari/604.1 [WAiOS/2.25.31]"},
     "26.0.1"},
    {{AGENT_PERSON, TAP_PLATFORM_IOS, "webview", "tiktok",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 17_3_1 like Mac OS X) AppleWebKit/605.1.15 "
      "(KHTML, like Gecko) Mobile/15E148 BytedanceWebview/d8a21c6 musical_ly_33.2.1 "
      "JsSdk/2.0 NetType/WIFI Channel/App Store ByteLocale/en Region/US "
      "FalconTag/BDB55B46-0286-4504-847E-C8300CB9F79D"},
     "17.3.1"},
    {{AGENT_PERSON, TAP_PLATFORM_IOS, "safari", "tiktok",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6_2 like Mac OS X) AppleWebKit/605.1.15 "
      "(KHTML, like Gecko) Mobile/15E148 Safari/604.1 musical_ly_41.9.0"},
     "18.6.2"},
    {{AGENT_PERSON, TAP_PLATFORM_IOS, "safari", "tiktok",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6_2 like Mac OS X) AppleWebKit/605.1.15 "
      "(KHTML, like Gecko) Mobile/15E148 Safari/604.1 trill_43.0.0 BytedanceWebview/d8a21c6"},
     "18.6.2"},
    {{AGENT_PERSON, TAP_PLATFORM_IOS, "webview", "tiktok",
      "mozilla/5.0 (ipad; cpu os 14_7_1 like mac os x) applewebkit/605.1.15 (khtml, like "
      "gecko) mobile/15e148 musical_ly_23.5.0 jssdk/2.0 nettype/wifi channel/app store "
      "bytelocale/en region/it bytefulllocale/en isdarkmode/0 wkwebview/1 "
      "bytedancewebview/d8a21c6"},
     "14.7.1"},
    {{AGENT_PERSON, TAP_PLATFORM_IOS, "webview", "douyin",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
      "like Gecko) Mobile/15E148 aweme_31.9.0 Region/CN AppTheme/light NetType/WIFI "
      "JsSdk/2.0 Channel/App ByteLocale/zh ByteFullLocale/zh-Hans-CN WKWebView/1 Bullet/1 "
      "aweme/31.9.0 BytedanceWebview/d8a21c6"},
     "18.1"},
    {{AGENT_PERSON, TAP_PLATFORM_IOS, "safari", "snapchat",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 17_3_1 like Mac OS X) AppleWebKit/605.1.15 "
      "(KHTML, like Gecko) Version/17.3.1 Mobile/15E148 Snapchat/12.72.0.39 (like "
      "Safari/8617.2.4.10.8, panda)"},
     "17.3.1"},
    {{AGENT_PERSON, TAP_PLATFORM_IOS, "webview", "snapchat",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 11_3_1 like Mac OS X) AppleWebKit/605.1.15 "
      "(KHTML, like Gecko) Snapchat/10.33.0.25 (iPhone8,1; iOS 11.3.1; gzip)"},
     "11.3.1"},
    {{AGENT_PERSON, TAP_PLATFORM_IOS, "webview", "linkedin",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
      "like Gecko) Mobile/15E148 [LinkedInApp]/9.30.1753"},
     "18.1"},
    {{AGENT_PERSON, TAP_PLATFORM_IOS, "webview", "twitter",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 "
      "(KHTML, like Gecko) Mobile/15E148 Twitter for iPhone/10.36.1"},
     "17.4.1"},
    {{AGENT_PERSON, TAP_PLATFORM_IOS, "webview", "twitter",
      "Mozilla/5.0 (iPad; U; CPU OS 4_3_5 like Mac OS X; en-us) AppleWebKit/533.17.9 "
      "(KHTML, like Gecko) Mobile/8L1 Twitter for iPad"},
     "4.3.5"},
    {{AGENT_PERSON, TAP_PLATFORM_IOS, "webview", "pinterest",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 "
      "(KHTML, like Gecko) Mobile/15E148 [Pinterest/iOS]"},
     "17.4.1"},
    {{AGENT_PERSON, TAP_PLATFORM_IOS, "webview", "line",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 13_4_1 like Mac OS X) AppleWebKit/605.1.15 "
      "(KHTML, like Gecko) Mobile/15E148 Safari Line/10.3.0"},
     "13.4.1"},
    {{AGENT_PERSON, TAP_PLATFORM_IOS, "webview", "wechat",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
      "like Gecko) Mobile/15E148 MicroMessenger/8.0.49(0x18003130) NetType/WIFI Language/es"},
     "17.4"},
    {{AGENT_PERSON, TAP_PLATFORM_IOS, "safari", "kakaotalk",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
      "like Gecko) Mobile/15E148 Safari/604.1 KAKAOTALK/11.3.1 (INAPP)"},
     "18"},
    {{AGENT_PERSON, TAP_PLATFORM_IOS, "safari", "naver",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 13_5_1 like Mac OS X) AppleWebKit/605.1.15 "
      "(KHTML, like Gecko) Version/13.0 Mobile/15E148 Safari/605.1 NAVER(inapp; search; "
      "720; 10.25.0; 11PRO)"},
     "13.5.1"},
    {{AGENT_PERSON, TAP_PLATFORM_IOS, "safari", "google",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
      "like Gecko) GSA/334.0.674067880 Mobile/15E148 Safari/604.1"},
     "18.1"},

    /* Computers, of which Windows 11 says 10.0, and macOS 11 to 26 what says nothing. */
    {{AGENT_PERSON, TAP_PLATFORM_WINDOWS, "chrome", "",
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
      "Chrome/131.0.0.0 Safari/537.36"},
     "10"},
    {{AGENT_PERSON, TAP_PLATFORM_WINDOWS, "firefox", "",
      "Mozilla/5.0 (Windows NT 6.1; Win64; x64; rv:115.0) Gecko/20100101 Firefox/115.0"},
     "6.1"},
    {{AGENT_PERSON, TAP_PLATFORM_WINDOWS, "chrome", "wechat",
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
      "Chrome/132.0.0.0 Safari/537.36 NetType/WIFI MicroMessenger/7.0.20.1781(0x6700143B) "
      "WindowsWechat(0x63090a13) UnifiedPCWindowsWechat(0xf2541510) XWEB/17071"},
     "10"},
    {{AGENT_PERSON, TAP_PLATFORM_MACOS, "safari", "",
      "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like "
      "Gecko) Version/26.0 Safari/605.1.15"},
     "0"},
    {{AGENT_PERSON, TAP_PLATFORM_MACOS, "firefox", "",
      "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:133.0) Gecko/20100101 Firefox/133.0"},
     "0"},
    {{AGENT_PERSON, TAP_PLATFORM_LINUX, "chrome", "",
      "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
      "Chrome/131.0.0.0 Safari/537.36"},
     "0"},
    {{AGENT_PERSON, TAP_PLATFORM_LINUX, "chrome", "",
      "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) "
      "Chrome/131.0.0.0 Safari/537.36"},
     "0"},
    {{AGENT_PERSON, TAP_PLATFORM_OTHER, "ie", "",
      "Mozilla/5.0 (Mobile; Windows Phone 8.1; Android 4.0; ARM; Trident/7.0; Touch; "
      "rv:11.0; IEMobile/11.0; NOKIA; Lumia 520) like iPhone OS 7_0_3 Mac OS X "
      "AppleWebKit/537 (KHTML, like Gecko) Mobile Safari/537"},
     "0"},

    /* Not seen yet: what apps will say when their web views are frozen, too. */
    {{AGENT_PERSON, TAP_PLATFORM_ANDROID, "chrome", "telegram",
      "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
      "Chrome/144.0.7559.109 Safari/537.36 Telegram-Android/12.3.1 (Samsung SM-X115; "
      "Android 16; SDK 36; AVERAGE)"},
     "16"},
    {{AGENT_PERSON, TAP_PLATFORM_IOS, "webview", "facebook",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
      "like Gecko) Mobile/23C55 "
      "[FBAN/FBIOS;FBAV/538.1.0.47.78;FBBV/846219612;FBDV/iPhone15,2;FBMD/iPhone;FBSN/iOS;F"
      "BSV/26.2;FBSS/3;FBID/phone;FBLC/es_LA;FBOP/5;FBRV/0;IABMV/1]"},
     "26.2"},

    /* Machines that say they are phones. */
    {{AGENT_BOT, TAP_PLATFORM_ANDROID, "googlebot", "",
      "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, "
      "like Gecko) Chrome/131.0.6778.139 Mobile Safari/537.36 (compatible; Googlebot/2.1; "
      "+http://www.google.com/bot.html)"},
     "6.0.1"},
    {{AGENT_PREVIEW, TAP_PLATFORM_IOS, "snapchat", "",
      "Snapchat/10.29.1.0 (iPhone10,1; iOS 11.2; gzip)"},
     "11.2"},
    {{AGENT_PREVIEW, TAP_PLATFORM_ANDROID, "instagram", "",
      "Instagram 416.0.0.47.66 Android (36/16; 306dpi; 1008x2244; Google/google; Pixel 9 "
      "Pro XL; komodo; komodo; en_US; 879745420)"},
     "16"},
};
/* clang-format on */

#endif
