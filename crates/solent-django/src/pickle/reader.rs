//! The machine that a pickle is a program for, without the instructions that do more than make plain data.

use std::collections::HashMap;

use serde_json::{Number, Value};

use super::{
    PickleError, PickleLimits,
    graph::{Graph, Id, Node},
    long, opcode as op, text,
};
use crate::python::{Integer, Special};

/// The highest protocol there is.
const PROTOCOL: u8 = 5;

/// Runs a pickle up to its end; what comes after that is not looked at, as in Python.
pub(super) fn read<'a>(pickle: &'a [u8], limits: &PickleLimits) -> Result<Graph<'a>, PickleError> {
    if pickle.len() > limits.size {
        return Err(PickleError::TooMuch("bytes"));
    }
    let mut machine = Machine {
        pickle,
        offset: 0,
        nodes: Vec::new(),
        max_nodes: limits.values.min(u32::MAX as usize),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    loop {
        let offset = machine.offset;
        let ended = machine.step().map_err(|halt| match halt {
            Halt::Malformed => PickleError::Malformed { offset },
            Halt::Forbidden(opcode) => PickleError::Forbidden { opcode, offset },
            Halt::TooMuch(what) => PickleError::TooMuch(what),
        })?;
        if let Some(root) = ended {
            let nodes = machine.nodes;
            return Ok(Graph { nodes, root });
        }
    }
}

/// Why an instruction was not carried out.
enum Halt {
    Malformed,
    Forbidden(u8),
    TooMuch(&'static str),
}

struct Machine<'a> {
    pickle: &'a [u8],
    offset: usize,
    /// Everything made so far, also what nothing refers to any more.
    nodes: Vec<Node<'a>>,
    max_nodes: usize,
    stack: Vec<Id>,
    /// How high the stack was at each mark that is not taken back yet.
    marks: Vec<usize>,
    /// What later instructions may refer to. Each entry takes an instruction, so it is as bounded as the pickle is.
    memo: HashMap<u32, Id>,
}

impl<'a> Machine<'a> {
    /// Carries out one instruction; the last one gives the result.
    fn step(&mut self) -> Result<Option<Id>, Halt> {
        match self.byte()? {
            op::STOP => return self.pop().map(Some),
            op::PROTO if self.byte()? <= PROTOCOL => {}
            op::FRAME => self.frame()?,
            op::MARK => self.marks.push(self.stack.len()),
            op::POP => self.discard()?,
            op::POP_MARK => drop(self.pop_mark()?),
            op::DUP => self.stack.push(self.top()?),

            op::NONE => self.scalar(Value::Null)?,
            op::NEWTRUE => self.scalar(true.into())?,
            op::NEWFALSE => self.scalar(false.into())?,
            op::INT => self.int_line()?,
            op::LONG => self.long_line()?,
            op::BININT => {
                let bytes = self.array()?;
                self.scalar(i32::from_le_bytes(bytes).into())?;
            }
            op::BININT1 => {
                let number = self.byte()?;
                self.scalar(number.into())?;
            }
            op::BININT2 => {
                let bytes = self.array()?;
                self.scalar(u16::from_le_bytes(bytes).into())?;
            }
            op::LONG1 => {
                let length = self.byte()?;
                self.long(length.into())?;
            }
            op::LONG4 => {
                let length = self.length4()?;
                self.long(length)?;
            }
            op::FLOAT => self.float_line()?,
            op::BINFLOAT => {
                let bytes = self.array()?;
                self.float(f64::from_be_bytes(bytes))?;
            }

            op::UNICODE => {
                let text = text::raw_unicode_escape(self.line()?).ok_or(Halt::Malformed)?;
                self.owned_text(text)?;
            }
            op::SHORT_BINUNICODE => {
                let length = self.byte()?;
                self.text(length.into())?;
            }
            op::BINUNICODE => {
                let length = self.length4()?;
                self.text(length)?;
            }
            op::BINUNICODE8 => {
                let length = self.length8()?;
                self.text(length)?;
            }
            op::SHORT_BINBYTES => {
                let length = self.byte()?;
                self.bytes(length.into())?;
            }
            op::BINBYTES => {
                let length = self.length4()?;
                self.bytes(length)?;
            }
            op::BINBYTES8 => {
                let length = self.length8()?;
                self.bytes(length)?;
            }

            op::EMPTY_LIST => self.push(Node::List(Vec::new()))?,
            op::LIST => {
                let items = self.pop_mark()?;
                self.push(Node::List(items))?;
            }
            op::APPEND => {
                let item = self.pop()?;
                self.append(&[item])?;
            }
            op::APPENDS => {
                let items = self.pop_mark()?;
                self.append(&items)?;
            }
            op::EMPTY_TUPLE => self.push(Node::Tuple(Vec::new()))?,
            op::TUPLE => {
                let items = self.pop_mark()?;
                self.push(Node::Tuple(items))?;
            }
            op::TUPLE1 => self.tuple(1)?,
            op::TUPLE2 => self.tuple(2)?,
            op::TUPLE3 => self.tuple(3)?,
            op::EMPTY_DICT => self.push(Node::Dict(Vec::new()))?,
            op::DICT => {
                let items = self.pop_mark()?;
                self.push(Node::Dict(Vec::new()))?;
                self.insert(&items)?;
            }
            op::SETITEM => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.insert(&[key, value])?;
            }
            op::SETITEMS => {
                let items = self.pop_mark()?;
                self.insert(&items)?;
            }

            op::PUT => {
                let place = self.place_line()?;
                self.memoize(place)?;
            }
            op::BINPUT => {
                let place = self.byte()?;
                self.memoize(place.into())?;
            }
            op::LONG_BINPUT => {
                let bytes = self.array()?;
                self.memoize(u32::from_le_bytes(bytes))?;
            }
            op::MEMOIZE => {
                let place = u32::try_from(self.memo.len()).map_err(|_| Halt::Malformed)?;
                self.memoize(place)?;
            }
            op::GET => {
                let place = self.place_line()?;
                self.recall(place)?;
            }
            op::BINGET => {
                let place = self.byte()?;
                self.recall(place.into())?;
            }
            op::LONG_BINGET => {
                let bytes = self.array()?;
                self.recall(u32::from_le_bytes(bytes))?;
            }

            op::PROTO => return Err(Halt::Malformed),
            other => return Err(Halt::Forbidden(other)),
        }
        Ok(None)
    }
}

/// What instructions do.
impl<'a> Machine<'a> {
    fn push(&mut self, node: Node<'a>) -> Result<(), Halt> {
        if self.nodes.len() >= self.max_nodes {
            return Err(Halt::TooMuch("values"));
        }
        let place = u32::try_from(self.nodes.len()).map_err(|_| Halt::TooMuch("values"))?;
        self.nodes.push(node);
        self.stack.push(Id(place));
        Ok(())
    }

    fn scalar(&mut self, value: Value) -> Result<(), Halt> {
        self.push(Node::Scalar(value))
    }

    fn float(&mut self, number: f64) -> Result<(), Halt> {
        self.scalar(match Number::from_f64(number) {
            Some(number) => Value::Number(number),
            None => Special::Float(number).into_value(),
        })
    }

    fn long(&mut self, length: usize) -> Result<(), Halt> {
        let bytes = self.take(length)?;
        if length > long::MAX_BYTES {
            return Err(Halt::TooMuch("digits"));
        }
        let value = long::read(bytes).ok_or(Halt::TooMuch("digits"))?;
        self.scalar(value)
    }

    fn text(&mut self, length: usize) -> Result<(), Halt> {
        let bytes = self.take(length)?;
        match std::str::from_utf8(bytes) {
            Ok(text) => self.push(Node::Text(text.into())),
            Err(_) => self.halves(bytes),
        }
    }

    fn owned_text(&mut self, bytes: Vec<u8>) -> Result<(), Halt> {
        match String::from_utf8(bytes) {
            Ok(text) => self.push(Node::Text(text.into())),
            Err(error) => self.halves(error.as_bytes()),
        }
    }

    fn halves(&mut self, bytes: &[u8]) -> Result<(), Halt> {
        let text = text::halves(bytes).ok_or(Halt::Malformed)?;
        self.scalar(Special::Halves(text).into_value())
    }

    fn bytes(&mut self, length: usize) -> Result<(), Halt> {
        let bytes = self.take(length)?;
        self.push(Node::Bytes(bytes))
    }

    fn tuple(&mut self, length: usize) -> Result<(), Halt> {
        let start = self
            .stack
            .len()
            .checked_sub(length)
            .filter(|start| *start >= self.floor());
        let items = self.stack.split_off(start.ok_or(Halt::Malformed)?);
        self.push(Node::Tuple(items))
    }

    /// Adds to the list on top of the stack.
    fn append(&mut self, items: &[Id]) -> Result<(), Halt> {
        let Id(list) = self.top()?;
        match &mut self.nodes[list as usize] {
            Node::List(list) => list.extend(items),
            _ => return Err(Halt::Malformed),
        }
        Ok(())
    }

    /// Adds keys and values, taking turns, to the dictionary on top of the stack.
    fn insert(&mut self, items: &[Id]) -> Result<(), Halt> {
        let Id(dict) = self.top()?;
        let (entries, []) = items.as_chunks::<2>() else {
            return Err(Halt::Malformed);
        };
        if entries.iter().any(|[key, _]| !self.is_hashable(*key)) {
            return Err(Halt::Malformed);
        }
        match &mut self.nodes[dict as usize] {
            Node::Dict(dict) => dict.extend(entries.iter().map(|[key, value]| (*key, *value))),
            _ => return Err(Halt::Malformed),
        }
        Ok(())
    }

    /// Whether Python could take it as a key; what is in a tuple is not looked at.
    fn is_hashable(&self, key: Id) -> bool {
        !matches!(self.nodes[key.0 as usize], Node::List(_) | Node::Dict(_))
    }

    fn memoize(&mut self, place: u32) -> Result<(), Halt> {
        let top = self.top()?;
        self.memo.insert(place, top);
        Ok(())
    }

    fn recall(&mut self, place: u32) -> Result<(), Halt> {
        let id = self.memo.get(&place).ok_or(Halt::Malformed)?;
        self.stack.push(*id);
        Ok(())
    }

    /// How far the stack may be taken down: to the last mark.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self) -> Result<Id, Halt> {
        match self.stack[self.floor()..].last() {
            Some(top) => Ok(*top),
            None => Err(Halt::Malformed),
        }
    }

    fn pop(&mut self) -> Result<Id, Halt> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    /// Takes back what is on top: a value, or a mark.
    fn discard(&mut self) -> Result<(), Halt> {
        if self.pop().is_ok() {
            return Ok(());
        }
        self.marks.pop().map(drop).ok_or(Halt::Malformed)
    }

    fn pop_mark(&mut self) -> Result<Vec<Id>, Halt> {
        let mark = self.marks.pop().ok_or(Halt::Malformed)?;
        Ok(self.stack.split_off(mark))
    }
}

/// What instructions are followed by.
impl<'a> Machine<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Halt> {
        let end = self.offset.checked_add(length).ok_or(Halt::Malformed)?;
        let taken = self.pickle.get(self.offset..end).ok_or(Halt::Malformed)?;
        self.offset = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Halt> {
        let taken = self.take(N)?;
        taken.try_into().map_err(|_| Halt::Malformed)
    }

    fn byte(&mut self) -> Result<u8, Halt> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    fn length4(&mut self) -> Result<usize, Halt> {
        let length = u32::from_le_bytes(self.array()?);
        usize::try_from(length).map_err(|_| Halt::Malformed)
    }

    fn length8(&mut self) -> Result<usize, Halt> {
        let length = u64::from_le_bytes(self.array()?);
        usize::try_from(length).map_err(|_| Halt::Malformed)
    }

    /// A frame says how much comes next; all of it is here already.
    fn frame(&mut self) -> Result<(), Halt> {
        let length = self.length8()?;
        if length > self.pickle.len() - self.offset {
            return Err(Halt::Malformed);
        }
        Ok(())
    }

    /// What stands before the next line feed.
    fn line(&mut self) -> Result<&'a [u8], Halt> {
        let rest = &self.pickle[self.offset..];
        let end = rest.iter().position(|byte| *byte == b'\n');
        let line = &rest[..end.ok_or(Halt::Malformed)?];
        self.offset += line.len() + 1;
        Ok(line)
    }

    fn ascii_line(&mut self) -> Result<&'a str, Halt> {
        std::str::from_utf8(self.line()?).map_err(|_| Halt::Malformed)
    }

    fn int_line(&mut self) -> Result<(), Halt> {
        let value = match self.ascii_line()? {
            "00" => false.into(),
            "01" => true.into(),
            digits => Integer::value(digits).ok_or(Halt::Malformed)?,
        };
        self.scalar(value)
    }

    fn long_line(&mut self) -> Result<(), Halt> {
        let line = self.ascii_line()?;
        let digits = line.strip_suffix('L').unwrap_or(line);
        let value = Integer::value(digits).ok_or(Halt::Malformed)?;
        self.scalar(value)
    }

    fn float_line(&mut self) -> Result<(), Halt> {
        let number = self.ascii_line()?.parse().map_err(|_| Halt::Malformed)?;
        self.float(number)
    }

    fn place_line(&mut self) -> Result<u32, Halt> {
        self.ascii_line()?.parse().map_err(|_| Halt::Malformed)
    }
}
