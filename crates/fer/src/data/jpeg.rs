//! Whether a JPEG file is whole. Decoders fill up what is missing with grey, as browsers do; a face whose lower half
//! is grey has an emotion, too, but not that of the person.
//!
//! The file is gone through marker by marker, and the entropy-coded data of each scan symbol by symbol (ITU-T T.81,
//! annexes B, F and G), without computing a single pixel: there have to be as many blocks as an image of the declared
//! size has, all bits of all coefficients, and an end. What follows the end does no harm; many programs append
//! previews or notes there.

use super::image_file::{MAX_BYTES, MAX_SIDE};

/// What is wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It ends before the image does.
    #[error("the JPEG data end early; is the file complete?")]
    EndsEarly,
    /// A segment or a code that cannot be.
    #[error("the JPEG data are damaged")]
    Damaged,
    /// More blocks than an image of this size has.
    #[error("the JPEG data hold more than the image of {0}x{1} pixels that they declare")]
    MoreThanDeclared(usize, usize),
    /// The declared size is beyond the limits.
    #[error("the image of {0}x{1} pixels is too large")]
    TooLarge(usize, usize),
}

use Fault::{Damaged, EndsEarly};

/// More scans than any encoder writes, and as many as the decoder takes.
const MOST_SCANS: usize = 100;

const END: u8 = 0xD9;

/// Checks the JPEG file with these bytes.
///
/// Images of kinds that the decoder does not know either (arithmetic coding, lossless) pass.
///
/// # Errors
/// The first fault.
pub fn check(bytes: &[u8]) -> Result<(), Fault> {
    let mut file = File { bytes, at: 2, tables: Default::default(), restart: 0, frame: None, scans: 0 };
    loop {
        let marker = file.marker()?;
        match marker {
            END => return file.frame.as_ref().map_or(Err(EndsEarly), Frame::check_complete),
            0x01 | 0xD0..=0xD8 => continue,
            _ => {}
        }
        let segment = file.segment()?;
        match marker {
            0xC0..=0xC2 => file.frame = Some(Frame::read(segment, marker == 0xC2)?),
            0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => return Ok(()),
            0xC4 => file.read_tables(segment)?,
            0xDD => file.restart = usize::from(u16::from_be_bytes(*segment.first_chunk().ok_or(Damaged)?)),
            0xDA => file.scan(segment)?,
            _ => {}
        }
    }
}

struct File<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Those of DC coefficients, then those of AC coefficients.
    tables: [[Option<Table>; 4]; 2],
    /// Units between restarts; 0 for none.
    restart: usize,
    frame: Option<Frame>,
    scans: usize,
}

impl<'a> File<'a> {
    /// Goes to the next marker, over fill bytes and whatever stands before it.
    fn marker(&mut self) -> Result<u8, Fault> {
        let rest = self.bytes.get(self.at..).ok_or(EndsEarly)?;
        let is_marker = |pair: &[u8]| pair[0] == 0xFF && !matches!(pair[1], 0 | 0xFF);
        let found = rest.windows(2).position(is_marker).ok_or(EndsEarly)?;
        self.at += found + 2;
        Ok(rest[found + 1])
    }

    /// The content of the segment that begins here, behind its length.
    fn segment(&mut self) -> Result<&'a [u8], Fault> {
        let rest = &self.bytes[self.at..];
        let length = usize::from(u16::from_be_bytes(*rest.first_chunk().ok_or(EndsEarly)?));
        self.at += length;
        rest.get(..length).ok_or(EndsEarly)?.get(2..).ok_or(Damaged)
    }

    fn read_tables(&mut self, mut segment: &[u8]) -> Result<(), Fault> {
        while let Some((&[place], rest)) = segment.split_first_chunk() {
            let (counts, rest) = rest.split_first_chunk::<16>().ok_or(Damaged)?;
            let length: usize = counts.iter().map(|&count| usize::from(count)).sum();
            let symbols = rest.get(..length).ok_or(Damaged)?.to_vec();
            let class = self.tables.get_mut(usize::from(place >> 4)).ok_or(Damaged)?;
            let slot = class.get_mut(usize::from(place & 15)).ok_or(Damaged)?;
            *slot = Some(Table { counts: *counts, symbols });
            segment = &rest[length..];
        }
        Ok(())
    }

    /// Goes through the entropy-coded data behind the header of a scan.
    fn scan(&mut self, header: &[u8]) -> Result<(), Fault> {
        self.scans += 1;
        if self.scans > MOST_SCANS {
            return Err(Damaged);
        }
        let frame = self.frame.as_mut().ok_or(Damaged)?;
        let scan = Scan::read(header, frame)?;
        let mut bits = Bits { bytes: self.bytes, at: self.at, byte: 0, left: 0 };
        let mut end_of_band = 0;
        let (columns, rows) = frame.units(&scan.components);
        for unit in 0..columns * rows {
            if self.restart > 0 && unit > 0 && unit % self.restart == 0 {
                bits.restart()?;
                end_of_band = 0;
            }
            for &(component, tables) in &scan.components {
                let tables = [0, 1].map(|class| self.tables[class][tables[class]].as_ref());
                for block in frame.blocks(component, unit, scan.components.len() > 1) {
                    let known = block.and_then(|block| frame.components[component].nonzero.get_mut(block));
                    scan.block(&mut bits, tables, known, &mut end_of_band)?;
                }
            }
        }
        self.at = bits.at;
        let (width, height) = (frame.width, frame.height);
        if bits.has_more() { Err(Fault::MoreThanDeclared(width, height)) } else { Ok(()) }
    }
}

/// The codes of a Huffman table: how many there are of each length, and what they mean, shorter ones first.
struct Table {
    counts: [u8; 16],
    symbols: Vec<u8>,
}

/// Entropy-coded data, bit by bit.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    byte: u8,
    left: u32,
}

impl Bits<'_> {
    fn bit(&mut self) -> Result<u32, Fault> {
        if self.left == 0 {
            self.byte = *self.bytes.get(self.at).ok_or(EndsEarly)?;
            self.at += 1;
            if self.byte == 0xFF {
                match self.bytes.get(self.at) {
                    Some(0) => self.at += 1,
                    _ => {
                        self.at -= 1;
                        return Err(EndsEarly);
                    }
                }
            }
            self.left = 8;
        }
        self.left -= 1;
        Ok(u32::from(self.byte >> self.left & 1))
    }

    fn number(&mut self, bits: u8) -> Result<u32, Fault> {
        (0..bits).try_fold(0, |number, _| Ok(number << 1 | self.bit()?))
    }

    fn symbol(&mut self, table: Option<&Table>) -> Result<u8, Fault> {
        let table = table.ok_or(Damaged)?;
        let (mut code, mut first, mut index) = (0, 0, 0);
        for &count in &table.counts {
            let count = u32::from(count);
            code |= self.bit()?;
            if code < first + count {
                return table.symbols.get((index + code - first) as usize).copied().ok_or(Damaged);
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        Err(Damaged)
    }

    /// Goes on behind the restart marker that has to come here.
    fn restart(&mut self) -> Result<(), Fault> {
        self.left = 0;
        while self.bytes.get(self.at) == Some(&0xFF) && self.bytes.get(self.at + 1) == Some(&0xFF) {
            self.at += 1;
        }
        match self.bytes.get(self.at..self.at + 2) {
            Some([0xFF, 0xD0..=0xD7]) => self.at += 2,
            Some([0xFF, 0]) => return Err(Damaged),
            Some([0xFF, _]) | None => return Err(EndsEarly),
            Some(_) => return Err(Damaged),
        }
        Ok(())
    }

    /// Whether data follow that are no padding.
    fn has_more(&self) -> bool {
        /// Encoders may round up what they write.
        const PADDING: usize = 8;
        let rest = &self.bytes[self.at..];
        let is_marker = |pair: &[u8]| pair[0] == 0xFF && !matches!(pair[1], 0 | 0xFF);
        let end = rest.windows(2).position(is_marker).unwrap_or(rest.len());
        let is_restart = matches!(rest.get(end + 1), Some(0xD0..=0xD7));
        is_restart || rest[..end].iter().filter(|byte| !matches!(byte, 0 | 0xFF)).count() > PADDING
    }
}

/// The header of an image.
struct Frame {
    progressive: bool,
    width: usize,
    height: usize,
    components: Vec<Component>,
}

struct Component {
    id: u8,
    /// Blocks of a unit of several components, in both directions.
    sampling: (usize, usize),
    /// Blocks of the whole component.
    columns: usize,
    rows: usize,
    /// In progressive images: which coefficients of each block are known not to be 0.
    nonzero: Vec<u64>,
    /// The lowest bit that was sent of each coefficient.
    sent: [Option<u8>; 64],
}

impl Frame {
    fn read(segment: &[u8], progressive: bool) -> Result<Frame, Fault> {
        let &[_, h1, h0, w1, w0, count] = segment.first_chunk().ok_or(Damaged)?;
        let [width, height] = [[w1, w0], [h1, h0]].map(|size| usize::from(u16::from_be_bytes(size)));
        let parts = segment[6..].chunks_exact(3);
        if width == 0 || height == 0 || !(1..=4).contains(&count) || parts.len() < count.into() {
            return Err(Damaged);
        }
        // The decoder keeps a progressive image's coefficients as well as its pixels.
        let bytes = (width * height * usize::from(count)) as u64 * if progressive { 3 } else { 1 };
        if width.max(height) > MAX_SIDE as usize || bytes > MAX_BYTES {
            return Err(Fault::TooLarge(width, height));
        }
        let parts: Vec<_> =
            parts.take(count.into()).map(|part| (part[0], part[1] >> 4, part[1] & 15)).collect();
        let largest = |of: fn(&(u8, u8, u8)) -> u8| usize::from(parts.iter().map(of).max().unwrap_or(1));
        let (across, down) = (largest(|part| part.1), largest(|part| part.2));
        let component = |&(id, h, v): &(u8, u8, u8)| {
            if !(1..=4).contains(&h) || !(1..=4).contains(&v) {
                return Err(Damaged);
            }
            let sampling = (usize::from(h), usize::from(v));
            let columns = (width * sampling.0).div_ceil(across).div_ceil(8);
            let rows = (height * sampling.1).div_ceil(down).div_ceil(8);
            let nonzero = vec![0; if progressive { columns * rows } else { 0 }];
            Ok(Component { id, sampling, columns, rows, nonzero, sent: [None; 64] })
        };
        let components = parts.iter().map(component).collect::<Result<_, _>>()?;
        Ok(Frame { progressive, width, height, components })
    }

    /// Columns and rows of units: blocks, where a scan has one component.
    fn units(&self, components: &[(usize, [usize; 2])]) -> (usize, usize) {
        if let &[(one, _)] = components {
            return (self.components[one].columns, self.components[one].rows);
        }
        let most = |of: fn(&Component) -> usize| 8 * self.components.iter().map(of).max().unwrap_or(1);
        (self.width.div_ceil(most(|c| c.sampling.0)), self.height.div_ceil(most(|c| c.sampling.1)))
    }

    /// The blocks of a component in a unit: their numbers where the component stands alone.
    fn blocks(
        &self,
        component: usize,
        unit: usize,
        several: bool,
    ) -> impl Iterator<Item = Option<usize>> + use<> {
        let (across, down) = self.components[component].sampling;
        let count = if several { across * down } else { 1 };
        std::iter::repeat_n((!several).then_some(unit), count)
    }

    /// Whether every bit of every coefficient was sent.
    fn check_complete(&self) -> Result<(), Fault> {
        let complete =
            self.components.iter().all(|component| component.sent.iter().all(|sent| *sent == Some(0)));
        if complete { Ok(()) } else { Err(EndsEarly) }
    }
}

/// The header of a scan.
struct Scan {
    progressive: bool,
    /// Components with their tables, for DC and AC.
    components: Vec<(usize, [usize; 2])>,
    /// The first and the last coefficient.
    band: (usize, usize),
    /// Whether the coefficients were begun by an earlier scan, to which this one adds a bit.
    refines: bool,
}

impl Scan {
    /// Reads the header, and notes what will have been sent behind the scan.
    fn read(header: &[u8], frame: &mut Frame) -> Result<Scan, Fault> {
        let (&count, rest) = header.split_first().ok_or(Damaged)?;
        let count = usize::from(count);
        let &[first, last, bits] =
            rest.get(2 * count..).and_then(|rest| rest.first_chunk()).ok_or(Damaged)?;
        let (refines, low) = (bits >> 4 > 0, bits & 15);
        let (band, refines, low) = match frame.progressive {
            true => ((usize::from(first), usize::from(last)), refines, low),
            false => ((0, 63), false, 0),
        };
        if !(1..=4).contains(&count) || band.0 > band.1 || band.1 > 63 || (band.0 > 0 && count > 1) {
            return Err(Damaged);
        }
        let mut components = Vec::new();
        for part in rest[..2 * count].chunks_exact(2) {
            let index = frame.components.iter().position(|known| known.id == part[0]).ok_or(Damaged)?;
            let tables = [part[1] >> 4, part[1] & 15].map(usize::from);
            if tables.iter().any(|&table| table > 3) {
                return Err(Damaged);
            }
            frame.components[index].sent[band.0..=band.1].fill(Some(low));
            components.push((index, tables));
        }
        Ok(Scan { progressive: frame.progressive, components, band, refines })
    }

    /// Goes through a block. `known` are the coefficients that earlier scans have made other than 0, `end_of_band` the
    /// number of blocks that have nothing more in this scan.
    fn block(
        &self,
        bits: &mut Bits,
        [dc, ac]: [Option<&Table>; 2],
        known: Option<&mut u64>,
        end_of_band: &mut u32,
    ) -> Result<(), Fault> {
        let (mut at, last) = self.band;
        if at == 0 {
            if self.refines {
                bits.bit()?;
            } else {
                let size = bits.symbol(dc)?;
                bits.number(size.min(16))?;
            }
            if self.progressive {
                return Ok(());
            }
            at = 1;
        }
        let mut unused = 0;
        let known = known.unwrap_or(&mut unused);
        while at <= last && *end_of_band == 0 {
            let symbol = bits.symbol(ac)?;
            let (run, size) = (symbol >> 4, symbol & 15);
            if size == 0 && run < 15 {
                *end_of_band = if self.progressive { (1 << run) + bits.number(run)? } else { 1 };
                break;
            }
            bits.number(size)?;
            // Where a bit is added, the run counts only what is still 0, and each other one has its bit on the way.
            let mut zeros = u32::from(run);
            while self.refines && at <= last && (*known >> at & 1 == 1 || zeros > 0) {
                match *known >> at & 1 {
                    1 => drop(bits.bit()?),
                    _ => zeros -= 1,
                }
                at += 1;
            }
            at += zeros as usize * usize::from(!self.refines);
            if at > last {
                // A run of sixteen zeros may end with the band.
                return if size == 0 { Ok(()) } else { Err(Damaged) };
            }
            *known |= u64::from(size > 0) << at;
            at += 1;
        }
        if *end_of_band > 0 {
            if self.refines {
                let rest = (at..=last).filter(|at| *known >> at & 1 == 1).count();
                (0..rest).try_for_each(|_| bits.bit().map(drop))?;
            }
            *end_of_band -= 1;
        }
        Ok(())
    }
}
