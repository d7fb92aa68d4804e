//! How much a device may send to an author's HTTP client, and how long it may take.

use std::{
    io::Write,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use drp_plugin::{Action, Context, Error, HttpClient, HttpClientBuilder, NoParams, Params, Provider, Result, System};
use raw_peer::{Connection, Device, PATIENCE, eventually, reply};

fn client(device: &Device) -> HttpClientBuilder {
    HttpClient::builder(device.url())
}

/// A device that never answers, and tells when its client has hung up.
fn silent() -> (Device, mpsc::Receiver<()>) {
    let (gone, told) = mpsc::channel();
    let device = Device::plain(move |_, out| {
        wait_for_the_end(out);
        gone.send(()).unwrap();
    });
    (device, told)
}

/// Waits for the client to hang up, which it does while this thread is free.
async fn hangs_up(gone: mpsc::Receiver<()>) {
    tokio::task::spawn_blocking(move || gone.recv_timeout(PATIENCE).unwrap()).await.unwrap();
}

fn wait_for_the_end(out: &mut dyn Connection) {
    while out.read(&mut [0]).is_ok_and(|count| count > 0) {}
}

async fn is_late(device: &Device, limit: Duration) -> Error {
    let began = Instant::now();
    let error = client(device).time_limit(limit).build().unwrap().get("x").send().await.unwrap_err();
    let expected = format!("GET {}/x: no whole answer within {limit:?}", device.url());
    assert_eq!((error.code(), error.to_string()), (504, expected));
    assert!(began.elapsed() >= limit && began.elapsed() < PATIENCE);
    error
}

#[tokio::test]
async fn a_device_that_does_not_answer_is_a_504_in_time() {
    let (device, gone) = silent();
    let error = is_late(&device, Duration::from_millis(300)).await;
    assert!(error.may_pass() && error.upstream_status().is_none());
    hangs_up(gone).await;
    let http = client(&device).build().unwrap();
    let error = http.post("x").time_limit(Duration::from_millis(100)).send().await.unwrap_err();
    assert_eq!((error.code(), error.may_pass()), (504, false));
}

#[tokio::test]
async fn a_body_that_trickles_does_not_stretch_the_time() {
    let device = Device::plain(|_, out| {
        let _ = out.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
        while out.write_all(b"x").is_ok() {
            thread::park_timeout(Duration::from_millis(20));
        }
    });
    is_late(&device, Duration::from_millis(500)).await;
}

#[tokio::test]
async fn a_head_that_trickles_does_not_stretch_the_time() {
    let device = Device::plain(|_, out| {
        let _ = out.write_all(b"HTTP/1.1 200 OK\r\nX: ");
        while out.write_all(b"x").is_ok() {
            thread::park_timeout(Duration::from_millis(20));
        }
    });
    is_late(&device, Duration::from_millis(500)).await;
}

async fn is_too_large(device: &Device, limit: usize) {
    let error = client(device).body_bytes_max(limit).build().unwrap().get("x").send().await.unwrap_err();
    let expected = format!("the answer cannot be used: it is larger than {limit} bytes");
    assert!(error.code() == 502 && error.to_string().contains(&expected), "{error}");
    assert!(!error.may_pass());
}

#[tokio::test]
async fn a_body_without_end_is_cut_off() {
    let (gone, told) = mpsc::channel();
    let device = Device::plain(move |_, out| {
        let _ = out.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        while out.write_all(&[b'x'; 65536]).is_ok() {}
        gone.send(()).unwrap();
    });
    is_too_large(&device, 1 << 20).await;
    hangs_up(told).await;
}

#[tokio::test]
async fn a_small_body_that_unpacks_to_a_large_one_is_cut_off() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..64 {
        packed.write_all(&[0; 1 << 20]).unwrap();
    }
    let packed = packed.finish().unwrap();
    assert!(packed.len() < 100_000);
    let device = Device::plain(move |_, out| reply(out, 200, &[("Content-Encoding", "gzip")], &packed));
    is_too_large(&device, 8 << 20).await;
}

#[tokio::test]
async fn a_device_that_is_not_there_is_a_502_after_all_tries() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = HttpClient::builder(&url).tries(2).build().unwrap().post("x").send().await.unwrap_err();
    assert!(error.to_string().starts_with(&format!("try 2: POST {url}/x: the server cannot be reached: ")), "{error}");
    assert!(error.to_string().contains("refused") && error.code() == 502 && error.may_pass(), "{error}");
}

#[tokio::test]
async fn a_device_that_does_not_shake_hands_is_a_504_in_the_time_to_connect() {
    // The system takes the connection, and nobody ever reads from it.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let builder = HttpClient::builder(&url).connect_time(Duration::from_millis(200)).tries(1);
    let error = builder.build().unwrap().post("x").send().await.unwrap_err();
    assert!(error.to_string().starts_with(&format!("POST {url}/x: the server cannot be reached")), "{error}");
    assert!(error.code() == 504 && error.may_pass(), "{error}");
    drop(listener);
}

#[tokio::test]
async fn what_is_no_http_is_told() {
    let device = Device::plain(|_, out| drop(out.write_all(b"SSH-2.0-OpenSSH_9.9\r\n\r\n\r\n")));
    let error = client(&device).build().unwrap().get("x").send().await.unwrap_err();
    assert!(error.code() == 502 && error.to_string().contains("it is no HTTP"), "{error}");
}

#[tokio::test]
async fn a_refusal_is_told_though_its_body_never_ends() {
    let device = Device::plain(|_, out| {
        let _ = out.write_all(b"HTTP/1.1 404 Not Found\r\n\r\nno such thing");
        while out.write_all(&[b'.'; 65536]).is_ok() {}
    });
    let error = client(&device).build().unwrap().get("x").send().await.unwrap_err();
    assert_eq!(error.upstream_status(), Some(404));
    assert!(error.to_string().contains("no such thing....") && error.to_string().len() < 1200, "{error}");
}

#[tokio::test]
async fn a_call_ends_when_nobody_waits_for_it() {
    let (device, gone) = silent();
    let http = client(&device).build().unwrap();
    let call = tokio::spawn(http.get("x").send());
    tokio::task::spawn_blocking({
        let device = device.clone();
        move || eventually("the device is asked", || device.requests().pop())
    })
    .await
    .unwrap();
    call.abort();
    hangs_up(gone).await;
}

async fn ask(context: Context<HttpClient>, _system: System, _params: NoParams) -> Result<()> {
    context.state().get("x").send().await?;
    Ok(())
}

#[tokio::test]
async fn a_call_ends_with_the_action_that_makes_it() {
    let (device, gone) = silent();
    let http = client(&device).build().unwrap();
    let provider = Provider::new("asker", "v1")
        .configure(move |_: Context<()>, _: NoParams| std::future::ready(Ok(http.clone())))
        .add_action(Action::new("ask", ask).time_limit(Duration::from_millis(300)));
    let server = drp_client::Config::new("http://127.0.0.1:1", drp_client::Credentials::Token("none".into()));
    let alone = provider.standalone(drp_client::Client::new(server).unwrap(), &Params::default()).await.unwrap();
    let error = alone.act("", "ask", &(), &Params::default()).await.unwrap_err();
    assert_eq!(error.code(), 504);
    hangs_up(gone).await;
}
