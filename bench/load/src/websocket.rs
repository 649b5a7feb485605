//! As much of a WebSocket client as a subscriber needs, with small buffers: thousands of them live in one process.
use std::io;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

pub struct Socket {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Where what was not read yet begins.
    start: usize,
}

fn ended(why: &str) -> io::Error {
    io::Error::other(why.to_owned())
}

impl Socket {
    pub async fn connect(target: &str, path: &str, protocol: Option<&str>) -> io::Result<Self> {
        let mut stream = TcpStream::connect(target).await?;
        stream.set_nodelay(true)?;
        let protocol = protocol.map(|name| format!("Sec-WebSocket-Protocol: {name}\r\n")).unwrap_or_default();
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {target}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{protocol}\r\n"
        );
        stream.write_all(head.as_bytes()).await?;
        let mut buffer = Vec::with_capacity(1024);
        let end = loop {
            if let Some(end) = memchr::memmem::find(&buffer, b"\r\n\r\n") {
                break end + 4;
            }
            if stream.read_buf(&mut buffer).await? == 0 {
                return Err(ended("hung up before the upgrade"));
            }
        };
        if !buffer.starts_with(b"HTTP/1.1 101") {
            return Err(ended(&String::from_utf8_lossy(&buffer[..end.min(200)])));
        }
        Ok(Self { stream, buffer, start: end })
    }

    pub async fn send(&mut self, text: &str) -> io::Result<()> {
        self.frame(1, text.as_bytes()).await
    }

    async fn frame(&mut self, kind: u8, payload: &[u8]) -> io::Result<()> {
        let mut frame = vec![0x80 | kind];
        match payload.len() {
            size @ ..126 => frame.push(0x80 | u8::try_from(size).unwrap_or_default()),
            size => {
                frame.push(0x80 | 126);
                frame.extend(u16::try_from(size).map_err(|_| ended("a message too long"))?.to_be_bytes());
            }
        }
        // A mask of zeros leaves the payload as it is.
        frame.extend([0; 4]);
        frame.extend(payload);
        self.stream.write_all(&frame).await
    }

    /// The next text; pings are answered meanwhile.
    pub async fn text(&mut self) -> io::Result<&[u8]> {
        loop {
            let (kind, from, to) = self.read_frame().await?;
            match kind {
                1 => return Ok(&self.buffer[from..to]),
                8 => {
                    let told = String::from_utf8_lossy(&self.buffer[from..to]).into_owned();
                    return Err(ended(&format!(
                        "closed: {}",
                        told.trim_start_matches(|c: char| !c.is_ascii_graphic())
                    )));
                }
                9 => {
                    let payload = self.buffer[from..to].to_vec();
                    self.frame(10, &payload).await?;
                }
                _ => {}
            }
        }
    }

    async fn read_frame(&mut self) -> io::Result<(u8, usize, usize)> {
        self.need(2).await?;
        let (kind, size) = (self.buffer[self.start] & 0x0f, self.buffer[self.start + 1] & 0x7f);
        let (head, size) = match size {
            126 => {
                self.need(4).await?;
                let at = self.start + 2;
                (4, usize::from(u16::from_be_bytes([self.buffer[at], self.buffer[at + 1]])))
            }
            127 => return Err(ended("a message of 64 KB or more")),
            size => (2, usize::from(size)),
        };
        self.need(head + size).await?;
        let from = self.start + head;
        self.start = from + size;
        Ok((kind, from, from + size))
    }

    /// So many bytes from where reading is.
    async fn need(&mut self, count: usize) -> io::Result<()> {
        if self.start > 0 && self.start == self.buffer.len() {
            self.buffer.clear();
            self.start = 0;
        }
        while self.buffer.len() < self.start + count {
            if self.start > 16 * 1024 {
                self.buffer.drain(..self.start);
                self.start = 0;
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(ended("hung up"));
            }
        }
        Ok(())
    }
}

/// A subscriber of graphql-transport-ws, acknowledged and subscribed; or of a bare stream, connected.
pub async fn subscribed(
    target: &str,
    path: &str,
    init: Option<&str>,
    subscribe: Option<&str>,
) -> io::Result<Socket> {
    let mut socket = Socket::connect(target, path, init.map(|_| "graphql-transport-ws")).await?;
    if let Some(init) = init {
        socket.send(init).await?;
        let told = socket.text().await?;
        if memchr::memmem::find(told, b"connection_ack").is_none() {
            return Err(ended(&String::from_utf8_lossy(told)));
        }
    }
    if let Some(subscribe) = subscribe {
        socket.send(subscribe).await?;
    }
    Ok(socket)
}
