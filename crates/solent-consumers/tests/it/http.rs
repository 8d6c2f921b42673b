use std::{sync::Mutex, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use serde::{Deserialize, Serialize};
use solent_consumers::{
    Group, Handle, HttpConsumer, HttpContext, NoEvents, Refusal, Unfinished, disconnects_finished,
};
use solent_layer::{DynLayer, LayerError};
use solent_layer_memory::MemoryLayer;
use solent_spec::{
    Application, Result,
    http::{Inbound, ResponseStart},
    websocket::CloseCode,
};
use tokio::sync::oneshot;

use crate::support::{Exchange, Log, settle};

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type")]
enum News {
    #[serde(rename = "news.item")]
    Item { text: String },
}

fn item(text: &str) -> News {
    News::Item { text: text.into() }
}

fn news() -> Group<News> {
    Group::new("news").unwrap()
}

/// Does what its body says.
struct Obeys(Log);

impl HttpConsumer for Obeys {
    type Event = News;

    fn body_limit(&self) -> usize {
        10
    }

    async fn handle(&mut self, cx: &mut HttpContext<News>, body: Bytes) -> Result {
        self.0.add("handle");
        match &body[..] {
            b"json" => cx.json(&item(cx.scope().path().to_owned().as_str())).await,
            b"infinity" => cx.json(&Some(f64::INFINITY)).await,
            b"stream" => {
                let plain = HeaderValue::from_static("text/plain");
                let start = ResponseStart::new(StatusCode::OK).header(header::CONTENT_TYPE, plain);
                cx.send_headers(start).await?;
                cx.send_body("one").await?;
                cx.end_body("two").await
            }
            b"fail" => Err("failed".into()),
            b"panic" => panic!("asked to"),
            b"refuse" => Err(Refusal::new(StatusCode::CONFLICT).body("no").into()),
            b"away" => {
                Err(solent_layer::SendError::Layer(LayerError::Away("no route".into())).into())
            }
            b"nothing" => Ok(()),
            b"wait" => Ok(cx.join(&news()).await?),
            b"events" => {
                cx.join(&news()).await?;
                cx.send_headers(StatusCode::OK).await
            }
            _ => cx
                .send_headers(StatusCode::OK)
                .await
                .and(cx.end_body(body).await),
        }
    }

    async fn event(&mut self, cx: &mut HttpContext<News>, event: &News) -> Result {
        let News::Item { text } = event;
        match text.as_str() {
            "more" => cx.send_body("more").await,
            "end" => cx.end_body("end").await,
            _ => cx.json(event).await,
        }
    }

    async fn disconnect(&mut self, _: &mut HttpContext<News>) -> Result {
        self.0.add("disconnect");
        Ok(())
    }
}

async fn run(exchange: &Exchange, log: &Log) -> Result {
    let log = log.clone();
    Obeys::application_with(move |_| Ok(Obeys(log.clone())))
        .call(exchange.connection(None))
        .await
}

/// Answers in the word that is its path.
#[derive(Default)]
struct InAWord;

impl HttpConsumer for InAWord {
    type Event = NoEvents;
    const METHODS: &'static [Method] = &[Method::GET, Method::PUT];

    async fn handle(&mut self, cx: &mut HttpContext, _: Bytes) -> Result {
        match &cx.scope().path().to_owned()[..] {
            "/text" => cx.text("hello").await,
            "/html" => cx.html("<p>hello").await,
            "/json" => cx.json(&["hello"]).await,
            "/redirect" => cx.redirect("/text").await,
            "/broken" => cx.redirect("/text\n").await,
            "/gone" => cx.status(StatusCode::GONE).await,
            _ => cx.status(StatusCode::NO_CONTENT).await,
        }
    }
}

#[tokio::test]
async fn consumer_answers_in_a_word() {
    for (path, answer, header) in [
        (
            "/text",
            r#"response 200 "hello""#,
            "text/plain; charset=utf-8",
        ),
        (
            "/html",
            r#"response 200 "<p>hello""#,
            "text/html; charset=utf-8",
        ),
        ("/json", r#"response 200 "[\"hello\"]""#, "application/json"),
        ("/redirect", r#"response 303 "See Other\n""#, "/text"),
        (
            "/gone",
            r#"response 410 "Gone\n""#,
            "text/plain; charset=utf-8",
        ),
        ("/none", r#"response 204 """#, ""),
    ] {
        let exchange = Exchange::new(&[""]);

        let connection = exchange.connection_to(Method::GET, path);
        InAWord::application().call(connection).await.unwrap();

        assert_eq!(exchange.take(), [answer], "{path}");
        let values: Vec<_> = exchange
            .headers()
            .into_iter()
            .map(|(_, value)| value)
            .collect();
        assert!(
            header.is_empty() || values.iter().any(|value| value == header),
            "{values:?}"
        );
    }
    let exchange = Exchange::new(&[""]);
    let connection = exchange.connection_to(Method::GET, "/broken");
    assert!(InAWord::application().call(connection).await.is_err());
    assert!(exchange.take().is_empty());
}

#[tokio::test]
async fn method_that_a_consumer_does_not_take_is_refused_before_there_is_one() {
    for (method, taken) in [
        (Method::GET, true),
        (Method::HEAD, true),
        (Method::PUT, true),
        (Method::POST, false),
        (Method::OPTIONS, false),
    ] {
        let (exchange, log) = (Exchange::new(&[""]), Log::default());
        let made = log.clone();
        let application = InAWord::application_with(move |_| {
            made.add("made");
            Ok(InAWord)
        });

        let connection = exchange.connection_to(method.clone(), "/text");
        application.call(connection).await.unwrap();

        assert_eq!(log.entries().is_empty(), !taken, "{method}");
        if !taken {
            assert_eq!(exchange.take(), [r#"response 405 "Method Not Allowed\n""#]);
            let allow = ("allow".to_owned(), "GET, PUT, HEAD".to_owned());
            assert!(exchange.headers().contains(&allow));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn json_goes_out_with_its_content_type() {
    let (exchange, log) = (Exchange::new(&["json"]), Log::default());

    run(&exchange, &log).await.unwrap();

    assert_eq!(
        exchange.take(),
        [r#"response 200 "{\"type\":\"news.item\",\"text\":\"/\"}""#]
    );
    assert_eq!(
        exchange.headers(),
        [("content-type".into(), "application/json".into())]
    );
    assert_eq!(log.entries(), ["handle", "disconnect"]);
}

#[tokio::test(start_paused = true)]
async fn body_comes_in_pieces_and_is_handled_whole() {
    let exchange = Exchange::new(&["on", "e, ", "two", ""]);

    run(&exchange, &Log::default()).await.unwrap();

    assert_eq!(exchange.take(), ["start 200", "end \"one, two\""]);
}

#[tokio::test(start_paused = true)]
async fn response_goes_out_in_pieces() {
    let exchange = Exchange::new(&["stream"]);

    run(&exchange, &Log::default()).await.unwrap();

    assert_eq!(
        exchange.take(),
        ["start 200", "body \"one\"", "end \"two\""]
    );
}

#[tokio::test(start_paused = true)]
async fn body_over_the_limit_is_answered_without_the_handler() {
    for pieces in [&["12345678901"][..], &["1234567890", "1"]] {
        let (exchange, log) = (Exchange::new(pieces), Log::default());

        run(&exchange, &log).await.unwrap();

        assert_eq!(exchange.take(), ["response 413 \"\""]);
        assert_eq!(log.entries(), ["disconnect"]);
    }
}

#[tokio::test(start_paused = true)]
async fn body_at_the_limit_is_taken() {
    let exchange = Exchange::new(&["12345", "67890"]);

    run(&exchange, &Log::default()).await.unwrap();

    assert_eq!(exchange.take(), ["start 200", "end \"1234567890\""]);
}

#[tokio::test(start_paused = true)]
async fn errors_and_panics_end_the_exchange_after_disconnect() {
    for (body, expected) in [
        ("fail", "failed"),
        ("infinity", "JSON has no NaN and no infinite numbers"),
        ("panic", "handler panicked"),
    ] {
        let (exchange, log) = (Exchange::new(&[body]), Log::default());

        let error = run(&exchange, &log).await.unwrap_err();

        assert_eq!(error.to_string(), expected);
        assert_eq!(log.entries(), ["handle", "disconnect"]);
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_answer_from_handlers_and_factories() {
    let (handled, made) = (Exchange::new(&["refuse"]), Exchange::new(&[""]));
    let factory = Obeys::application_with(|_| -> Result<Obeys> {
        Err(Refusal::new(StatusCode::UNAUTHORIZED).into())
    });

    run(&handled, &Log::default()).await.unwrap();
    factory.call(made.connection(None)).await.unwrap();

    assert_eq!(handled.take(), ["response 409 \"no\""]);
    assert_eq!(made.take(), ["response 401 \"\""]);
}

#[tokio::test(start_paused = true)]
async fn request_that_needs_a_layer_which_is_away_is_a_503() {
    let exchange = Exchange::new(&["away"]);

    run(&exchange, &Log::default()).await.unwrap();

    assert_eq!(exchange.take(), ["response 503 \"\""]);
}

#[tokio::test(start_paused = true)]
async fn response_that_nothing_can_finish_is_an_error() {
    let (exchange, log) = (Exchange::new(&["nothing"]), Log::default());

    let error = run(&exchange, &log).await.unwrap_err();

    assert_eq!(error.downcast_ref(), Some(&Unfinished::Forgotten));
    assert_eq!(log.count("disconnect"), 1);
}

#[tokio::test(start_paused = true)]
async fn response_is_finished_later_by_an_event() {
    let memory = MemoryLayer::default();
    let layer = DynLayer::new(memory.clone());
    let exchange = Exchange::new(&["wait"]);
    let application = Obeys::application_with(|_| Ok(Obeys(Log::default())));
    let connection = exchange.connection(Some(&layer));
    let task = tokio::spawn(async move { application.call(connection).await });
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(exchange.take(), [""; 0]);

    news().send(&layer, &item("late")).await.unwrap();

    task.await.unwrap().unwrap();
    assert_eq!(
        exchange.take(),
        [r#"response 200 "{\"type\":\"news.item\",\"text\":\"late\"}""#]
    );
    assert_eq!((memory.channel_count(), memory.group_count()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn events_stream_until_the_client_leaves() {
    let layer = DynLayer::new(MemoryLayer::default());
    let (exchange, log) = (Exchange::new(&["events"]), Log::default());
    let seen = log.clone();
    let application = Obeys::application_with(move |_| Ok(Obeys(seen.clone())));
    let connection = exchange.connection(Some(&layer));
    let task = tokio::spawn(async move { application.call(connection).await });
    settle().await;

    for _ in 0..2 {
        news().send(&layer, &item("more")).await.unwrap();
    }
    settle().await;
    exchange.leave();
    task.await.unwrap().unwrap();

    assert_eq!(
        exchange.take(),
        ["start 200", "body \"more\"", "body \"more\""]
    );
    assert_eq!(log.entries(), ["handle", "disconnect"]);
}

#[tokio::test(start_paused = true)]
async fn client_that_leaves_before_its_request_is_complete_is_a_disconnect() {
    let (exchange, log) = (Exchange::new(&[]), Log::default());
    exchange.push(Inbound::Body {
        data: Bytes::from_static(b"half"),
        more: true,
    });
    exchange.leave();

    run(&exchange, &log).await.unwrap();

    assert_eq!(log.entries(), ["disconnect"]);
}

#[tokio::test(start_paused = true)]
async fn task_that_is_dropped_still_disconnects() {
    let layer = DynLayer::new(MemoryLayer::default());
    let (exchange, log) = (Exchange::new(&["wait"]), Log::default());
    let seen = log.clone();
    let application = Obeys::application_with(move |_| Ok(Obeys(seen.clone())));
    let connection = exchange.connection(Some(&layer));
    let task = tokio::spawn(async move { application.call(connection).await });
    settle().await;

    task.abort();
    settle().await;
    disconnects_finished().await;

    assert_eq!(log.entries(), ["handle", "disconnect"]);
}

#[tokio::test(start_paused = true)]
async fn handle_ends_a_response_where_it_stands() {
    struct Waits(Option<oneshot::Sender<Handle<NoEvents>>>);
    impl HttpConsumer for Waits {
        type Event = NoEvents;
        async fn handle(&mut self, cx: &mut HttpContext, _: Bytes) -> Result {
            let handle = cx.handle();
            self.0.take().unwrap().send(handle).unwrap();
            Ok(())
        }
    }
    let (tx, rx) = oneshot::channel();
    let tx = Mutex::new(Some(tx));
    let exchange = Exchange::new(&[""]);
    let application = Waits::application_with(move |_| Ok(Waits(tx.lock().unwrap().take())));
    let connection = exchange.connection(None);
    let task = tokio::spawn(async move { application.call(connection).await });

    rx.await.unwrap().close(CloseCode::NORMAL).await;

    task.await.unwrap().unwrap();
    assert_eq!(exchange.take(), ["response 204 \"\""]);
}

#[tokio::test(start_paused = true)]
async fn response_is_not_waited_for_once_the_last_handle_and_task_are_gone() {
    #[derive(Default)]
    struct Forgets;
    impl HttpConsumer for Forgets {
        type Event = NoEvents;
        async fn handle(&mut self, cx: &mut HttpContext, _: Bytes) -> Result {
            let handle = cx.handle();
            cx.spawn(async move {
                tokio::time::sleep(Duration::from_secs(5)).await;
                drop(handle);
                Ok(())
            });
            Ok(())
        }
    }
    let exchange = Exchange::new(&[""]);

    let application = Forgets::application();
    let ended = application.call(exchange.connection(None));
    let error = tokio::time::timeout(Duration::from_secs(6), ended)
        .await
        .unwrap()
        .unwrap_err();

    assert_eq!(error.downcast_ref(), Some(&Unfinished::Forgotten));
}

#[tokio::test(start_paused = true)]
async fn each_request_has_a_consumer_of_its_own() {
    let made = Log::default();
    let seen = made.clone();
    let application = Obeys::application_with(move |_| {
        seen.add("made");
        Ok(Obeys(Log::default()))
    });

    for _ in 0..2 {
        application
            .call(Exchange::new(&[""]).connection(None))
            .await
            .unwrap();
    }

    assert_eq!(made.entries(), ["made", "made"]);
}
