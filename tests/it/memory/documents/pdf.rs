//! PDF files as they come: sound ones, and bombs.

/// A PDF with a page for each text, without compression.
pub fn pdf(pages: &[&str]) -> Vec<u8> {
    let contents = pages.iter().map(|text| {
        let lines: String = text
            .lines()
            .map(|line| {
                format!(
                    "({}) Tj 0 -14 Td ",
                    line.replace('\\', "\\\\").replace('(', "\\(").replace(')', "\\)")
                )
            })
            .collect();
        format!("BT /F1 12 Tf 72 720 Td {lines}ET").into_bytes()
    });
    built(&contents.collect::<Vec<_>>(), "")
}

/// With the streams of its pages as they are; `filter` stands in their dictionaries.
pub fn built(contents: &[Vec<u8>], filter: &str) -> Vec<u8> {
    let count = contents.len();
    let kids: Vec<String> = (0..count).map(|n| format!("{} 0 R", 4 + 2 * n)).collect();
    let mut objects: Vec<Vec<u8>> = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        format!("<< /Type /Pages /Count {count} /Kids [{}] >>", kids.join(" ")).into_bytes(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_vec(),
    ];
    for (n, content) in contents.iter().enumerate() {
        let page = format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {} 0 R /Resources << /Font << /F1 3 0 R >> >> >>",
            5 + 2 * n
        );
        objects.push(page.into_bytes());
        let mut stream = format!("<< /Length {} {filter} >>\nstream\n", content.len()).into_bytes();
        stream.extend_from_slice(content);
        stream.extend_from_slice(b"\nendstream");
        objects.push(stream);
    }
    let (mut file, mut places) = (b"%PDF-1.7\n".to_vec(), vec![]);
    for (n, object) in objects.iter().enumerate() {
        places.push(file.len());
        file.extend_from_slice(format!("{} 0 obj\n", n + 1).as_bytes());
        file.extend_from_slice(object);
        file.extend_from_slice(b"\nendobj\n");
    }
    let table = file.len();
    file.extend_from_slice(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).as_bytes());
    for place in places {
        file.extend_from_slice(format!("{place:010} 00000 n \n").as_bytes());
    }
    let trailer =
        format!("trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n", objects.len() + 1);
    file.extend_from_slice(trailer.as_bytes());
    file
}
