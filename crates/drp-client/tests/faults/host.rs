//! Faults between the client and the real host: its websocket and its API.

use drp_client::{Client, ClientErrorKind, Config, Credentials, TlsPolicy};
use drp_core::{Event, Raw};
use drp_host::{Host, HostConfig};

use crate::{numbers, proxy::Proxy, publisher, quicken};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_of_a_host_is_seen_once_and_in_order_or_announced_as_a_gap() {
    let data = tempfile::tempdir().unwrap();
    let listen = "127.0.0.1:0".parse().unwrap();
    let config = HostConfig { data: data.path().to_owned(), listen, ..HostConfig::default() };
    let host = Host::start(config).await.unwrap();
    let proxy = Proxy::start(host.endpoint().trim_start_matches("https://").parse().unwrap()).await;

    let credentials = Credentials::Token(host.admin_token().into());
    let mut config = Config::new(format!("https://{}", proxy.address), credentials);
    config.tls = TlsPolicy::CaFile(host.ca_file().to_owned());
    quicken(&mut config);
    let client = Client::new(config).unwrap();
    let stream = client.events(vec!["faults.happened.*".parse().unwrap()]).await.unwrap();

    publisher::run(stream, &proxy, numbers(), async |key, number| {
        let event = Event::new("faults", "happened", key, Raw::new(&number).unwrap());
        match client.post_event(&event).await {
            Ok(()) => true,
            // Such a call is never repeated, for it may have been carried out.
            Err(error) => match error.kind() {
                ClientErrorKind::Disconnected(_) | ClientErrorKind::Timeout(_) | ClientErrorKind::Connect(_) => false,
                ClientErrorKind::BadAnswer(_) | ClientErrorKind::Tls(_) => false,
                _ => panic!("{}", error.chain()),
            },
        }
    })
    .await;
    host.stop().await;
}
