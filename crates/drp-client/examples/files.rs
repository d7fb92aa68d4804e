//! Sends a file, receives it again with its sum compared, and removes it.
//!
//! `RS_ENDPOINT=https://127.0.0.1:8092 RS_TOKEN=… cargo run -p drp-client --example files`
#![allow(clippy::print_stdout)]

use drp_client::{Client, Config, Upload};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::new(Config::from_env()?)?;
    let files = client.files();

    let upload = Upload::bytes("hello").on_progress(|sent, total| println!("{sent} of {total:?} bytes are sent"));
    println!("{:?}", files.upload("example/hello.txt", upload).await?);
    println!("{:?} with {:?}", files.list("/example").await?, files.info("example/hello.txt").await?);

    // The file appears when it is whole.
    let target = std::env::temp_dir().join("drpx-example-hello.txt");
    let saved = files.download("example/hello.txt").await?.save(&target).await?;
    println!("{} has {} bytes, compared: {}", target.display(), saved.bytes, saved.is_verified);
    std::fs::remove_file(target)?;

    files.delete("example/hello.txt").await?;
    files.delete("example").await?;
    println!("isos: {:?}", client.isos().list("").await?);
    Ok(())
}
