//! MessagePack in its smallest form.

pub(crate) const NIL: u8 = 0xc0;
pub(crate) const FALSE: u8 = 0xc2;
pub(crate) const TRUE: u8 = 0xc3;

/// What has a length that is known after its contents.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Container {
    Array,
    Map,
}

pub(crate) fn push_str(out: &mut Vec<u8>, text: &str) {
    push_str_len(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

pub(crate) fn push_uint(out: &mut Vec<u8>, number: u64) {
    if let Ok(number) = u8::try_from(number) {
        if number > 0x7f {
            out.push(0xcc);
        }
        out.push(number);
    } else if let Ok(number) = u16::try_from(number) {
        push(out, 0xcd, number.to_be_bytes());
    } else if let Ok(number) = u32::try_from(number) {
        push(out, 0xce, number.to_be_bytes());
    } else {
        push(out, 0xcf, number.to_be_bytes());
    }
}

pub(crate) fn push_int(out: &mut Vec<u8>, number: i64) {
    if let Ok(number) = u64::try_from(number) {
        push_uint(out, number);
    } else if let Ok(number) = i8::try_from(number) {
        if number < -32 {
            out.push(0xd0);
        }
        out.extend_from_slice(&number.to_be_bytes());
    } else if let Ok(number) = i16::try_from(number) {
        push(out, 0xd1, number.to_be_bytes());
    } else if let Ok(number) = i32::try_from(number) {
        push(out, 0xd2, number.to_be_bytes());
    } else {
        push(out, 0xd3, number.to_be_bytes());
    }
}

pub(crate) fn push_f64(out: &mut Vec<u8>, number: f64) {
    push(out, 0xcb, number.to_be_bytes());
}

pub(crate) fn push_map_len(out: &mut Vec<u8>, len: u32) {
    let (marker, size) = header(Container::Map, len);
    out.extend_from_slice(&marker[..size]);
}

pub(crate) fn push_array_len(out: &mut Vec<u8>, len: u32) {
    let (marker, size) = header(Container::Array, len);
    out.extend_from_slice(&marker[..size]);
}

/// Puts the length of a container over the one byte at `at` that was left for it, and moves its contents if that is
/// not enough.
pub(crate) fn set_len(out: &mut Vec<u8>, at: usize, container: Container, len: u32) {
    let (marker, size) = header(container, len);
    out.splice(at..=at, marker[..size].iter().copied());
}

fn push_str_len(out: &mut Vec<u8>, len: usize) {
    if len < 32 {
        out.push(0xa0 | len as u8);
    } else if let Ok(len) = u8::try_from(len) {
        push(out, 0xd9, len.to_be_bytes());
    } else if let Ok(len) = u16::try_from(len) {
        push(out, 0xda, len.to_be_bytes());
    } else {
        // Four gigabytes are more than a message can have.
        push(out, 0xdb, (len as u32).to_be_bytes());
    }
}

/// The bytes before a container of `len` items, of which so many count.
fn header(container: Container, len: u32) -> ([u8; 5], usize) {
    let (short, long) = match container {
        Container::Array => (0x90, 0xdc),
        Container::Map => (0x80, 0xde),
    };
    let [a, b, c, d] = len.to_be_bytes();
    match len {
        0..=15 => ([short | d, 0, 0, 0, 0], 1),
        16..=0xffff => ([long, c, d, 0, 0], 3),
        _ => ([long + 1, a, b, c, d], 5),
    }
}

fn push<const N: usize>(out: &mut Vec<u8>, marker: u8, number: [u8; N]) {
    out.push(marker);
    out.extend_from_slice(&number);
}
