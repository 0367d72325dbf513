//! Web push against a push service that refuses what the standards do, and a browser that opens what it gets.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair,
    UnparsedPublicKey as SigningPublicKey,
};
use serde_json::{Value, json};
use watchtower_model::Severity;
use watchtower_notify::{
    ChannelConfig, FailureKind, Message, MessageState, PushSender, Vapid, WebPushConfig, Words, deliver,
};

use crate::http::{GONE, OK, Request, server};
use crate::{ACKNOWLEDGE_URL, egress, message, parse};

const AUTH: [u8; 16] = *b"0123456789abcdef";

/// A browser that has subscribed; it opens one message.
struct Browser {
    private: EphemeralPrivateKey,
    public: Vec<u8>,
}

impl Browser {
    fn new() -> Browser {
        let private = EphemeralPrivateKey::generate(&ECDH_P256, &SystemRandom::new()).unwrap();
        let public = private.compute_public_key().unwrap().as_ref().to_vec();
        Browser { private, public }
    }

    fn channel(&self, url: &str, sender: &PushSender) -> ChannelConfig {
        let config = json!({"type": "web_push", "url": url, "key": BASE64URL.encode(&self.public), "auth": BASE64URL.encode(AUTH)});
        let ChannelConfig::WebPush(config) = parse(&config.to_string()) else { panic!("another kind") };
        let channel = ChannelConfig::WebPush(WebPushConfig { sender: Some(sender.clone()), ..config });
        assert_eq!(channel.check(), Ok(()));
        channel
    }

    /// As RFC 8291 says, section 3.4.
    fn open(self, body: &[u8]) -> Value {
        let (salt, rest) = body.split_at(16);
        let (size, rest) = rest.split_at(4);
        assert!(u32::from_be_bytes(size.try_into().unwrap()) as usize >= rest.len() - 66, "one record");
        assert_eq!(rest[0], 65, "the length of the key");
        let (peer, record) = rest[1..].split_at(65);
        let about = [b"WebPush: info\0".as_slice(), &self.public, peer].concat();
        let input = agree_ephemeral(self.private, &UnparsedPublicKey::new(&ECDH_P256, peer), |shared| {
            expand::<32>(&AUTH, shared, &about)
        });
        let input = input.unwrap();
        let key = expand::<16>(salt, &input, b"Content-Encoding: aes128gcm\0");
        let nonce = expand::<12>(salt, &input, b"Content-Encoding: nonce\0");
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).unwrap());
        let mut record = record.to_vec();
        let plain =
            key.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut record).unwrap();
        let text = plain.strip_suffix(&[2]).expect("the last record ends by 2");
        serde_json::from_slice(text).unwrap()
    }
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand<const N: usize>(salt: &[u8], input: &[u8], info: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    let secret = Salt::new(HKDF_SHA256, salt).extract(input);
    secret.expand(&[info], Length(N)).unwrap().fill(&mut out).unwrap();
    out
}

/// What a push service asks of a message: RFC 8030, RFC 8292.
fn check(request: &Request, url: &str, known: &str) {
    assert_eq!(request.header("content-encoding"), "aes128gcm");
    assert!(request.header("ttl").parse::<u32>().unwrap() > 0);
    assert!(["low", "normal", "high"].contains(&request.header("urgency")));
    let topic = request.header("topic");
    assert!((1..=32).contains(&topic.len()) && BASE64URL.decode(topic).is_ok(), "{topic}");
    assert!(request.body.len() <= 4_096, "{} bytes", request.body.len());
    let parameters = request.header("authorization").strip_prefix("vapid ").expect("that scheme");
    let of = |name: &str| {
        let all = parameters.split(',').filter_map(|one| one.trim().split_once('='));
        all.into_iter().find(|(found, _)| *found == name).unwrap().1.to_string()
    };
    assert_eq!(of("k"), known, "the key that the browser subscribed for");
    let token = of("t");
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let key = SigningPublicKey::new(&ECDSA_P256_SHA256_FIXED, BASE64URL.decode(known).unwrap());
    key.verify(signed.as_bytes(), &BASE64URL.decode(signature).unwrap()).unwrap();
    let part = |text: &str| serde_json::from_slice::<Value>(&BASE64URL.decode(text).unwrap()).unwrap();
    let (head, claims) = signed.split_once('.').map(|(head, claims)| (part(head), part(claims))).unwrap();
    assert_eq!(head, json!({"typ": "JWT", "alg": "ES256"}));
    let origin = url.split('/').take(3).collect::<Vec<_>>().join("/");
    assert_eq!((&claims["aud"], &claims["sub"]), (&json!(origin), &json!("https://hub.example")));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let left = claims["exp"].as_u64().unwrap().saturating_sub(now);
    assert!((60..=86_400).contains(&left), "{left} s");
}

fn sender() -> PushSender {
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    let key = Arc::new(Vapid::new(pkcs8.as_ref()).unwrap());
    PushSender { key, contact: Some("https://hub.example".into()) }
}

/// What the browser reads of a message, and how it was asked to be carried.
async fn pushed(message: &Message) -> (Value, Request) {
    let (url, server) = server(vec![OK]).await;
    let (browser, sender) = (Browser::new(), sender());
    deliver(&egress(Vec::new()), &browser.channel(&url, &sender), message, "k").await.unwrap();
    let request = server.await.unwrap().remove(0);
    check(&request, &url, &sender.key.public_key());
    (browser.open(&request.body), request)
}

#[tokio::test]
async fn a_browser_reads_what_its_push_service_cannot() {
    let (read, request) = pushed(&message()).await;
    assert!(!String::from_utf8_lossy(&request.body).contains("disk"), "it is sealed");
    assert_eq!((request.header("urgency"), request.header("ttl")), ("high", "3600"));
    assert_eq!(read["title"], "#142 triggered, critical: disk is full");
    assert_eq!((&read["url"], &read["tag"]), (&json!("https://hub.example/i/142"), &json!("i-142")));
    assert_eq!((&read["acknowledge_url"], &read["state"]), (&json!(ACKNOWLEDGE_URL), &json!("triggered")));
    let body = read["body"].as_str().unwrap();
    assert!(body.starts_with("db on web-1\n") && body.ends_with("no space left on device"), "{body}");
    let over = Message { state: MessageState::Resolved, acknowledge_url: None, ..message() };
    let (end, of_end) = pushed(&over).await;
    assert_eq!((&end["state"], &end["acknowledge_url"]), (&json!("resolved"), &Value::Null));
    assert_eq!(of_end.header("urgency"), "low");
    assert_eq!(of_end.header("topic"), request.header("topic"), "it takes the place of the page");
    let (_, quiet) = pushed(&Message { severity: Severity::Warning, ..message() }).await;
    assert_eq!(quiet.header("urgency"), "normal");
}

#[tokio::test]
async fn whatever_is_said_fits_into_what_a_push_service_takes() {
    let evil = "\"\\\u{1f600}é<b>";
    let words = Words { title: Some(evil.repeat(200)), body: Some(format!("{evil}\n").repeat(900)) };
    for words in [Words::default(), words] {
        let long = Message {
            title: evil.repeat(90),
            lines: vec![evil.repeat(90); 20],
            output: Some("\\\"".repeat(900)),
            words,
            ..message()
        };
        let (read, request) = pushed(&long).await;
        assert!(read["body"].as_str().unwrap().len() > 300, "{read}");
        assert!(request.body.len() <= 4_096);
    }
}

#[tokio::test]
async fn a_subscription_that_is_gone_is_a_failure_for_good() {
    let (url, server) =
        server(vec![GONE, "HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"]).await;
    let (browser, sender) = (Browser::new(), sender());
    let channel = browser.channel(&url, &sender);
    let gone = deliver(&egress(Vec::new()), &channel, &message(), "k").await.unwrap_err();
    assert_eq!(gone.kind, FailureKind::Permanent);
    assert!(gone.reason.contains("410") && gone.reason.contains("set up anew"), "{gone}");
    let busy = deliver(&egress(Vec::new()), &channel, &message(), "k").await.unwrap_err();
    assert_eq!((busy.kind, busy.retry_after.map(|after| after.as_secs())), (FailureKind::Temporary, Some(7)));
    assert!(!format!("{gone} {busy}").contains("secret-path"), "{gone} {busy}");
    server.await.unwrap();
    // Addresses in our own network are none of a push service.
    let inside = browser.channel("http://169.254.169.254/push", &sender);
    let refused = deliver(&egress(Vec::new()), &inside, &message(), "k").await.unwrap_err();
    assert_eq!(refused.kind, FailureKind::Permanent, "{refused}");
}

#[test]
fn keys_that_no_browser_makes_are_refused_and_none_is_shown() {
    let key = BASE64URL.encode(Browser::new().public);
    let config = |url: &str, key: &str, auth: &str| {
        parse(&json!({"type": "web_push", "url": url, "key": key, "auth": auth}).to_string())
    };
    let auth = BASE64URL.encode(AUTH);
    assert_eq!(config("https://push.example/x", &key, &auth).check(), Ok(()));
    for (url, key, auth, field) in [
        ("push.example", key.as_str(), auth.as_str(), "url:"),
        ("https://push.example/x", &key[..80], &auth, "key:"),
        ("https://push.example/x", "", &auth, "key:"),
        ("https://push.example/x", &key, "c2hvcnQ", "key:"),
    ] {
        let error = config(url, key, auth).check().unwrap_err().to_string();
        assert!(error.starts_with(field), "{error}");
    }
    let stored = config("https://push.example/KEYKEYKEY", &key, &auth);
    let shown = format!("{stored:?}");
    assert!(!shown.contains("KEYKEYKEY") && !shown.contains(&auth), "{shown}");
    assert!(parse(&shown).with_secrets_of(&stored) == stored, "{shown}");
}
