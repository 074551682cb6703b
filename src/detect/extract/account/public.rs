//! Account numbers that are no secret of anybody's: those AWS uses in documentation, and those
//! under which AWS and distributors publish images and collect logs.

/// Whether a number of twelve digits is public knowledge.
pub(super) fn is_public(number: &str) -> bool {
    let digits: std::collections::BTreeSet<u8> = number.bytes().collect();
    let made_up =
        digits.len() <= 3 || number.starts_with("12345678") || number.starts_with("000") || is_of_runs(number) || is_of_patterns(number);
    made_up || DOCUMENTATION.contains(&number) || SERVICES.contains(&number)
}

/// `444111222555`, `112233445566`: no digit stands alone.
fn is_of_runs(number: &str) -> bool {
    let digits = number.as_bytes();
    (0..digits.len()).all(|at| at > 0 && digits[at - 1] == digits[at] || digits.get(at + 1) == Some(&digits[at]))
}

/// `808012348080`, `345634563456`: each block of four is counted up or down, made of pairs, or the same as another.
fn is_of_patterns(number: &str) -> bool {
    let blocks: Vec<&[u8]> = number.as_bytes().chunks(4).collect();
    let steps = |block: &[u8], step: u8| block.windows(2).all(|pair| (pair[0] - b'0' + step) % 10 == pair[1] - b'0');
    let plain = |block: &[u8]| {
        steps(block, 1) || steps(block, 9) || steps(block, 0) || block[..2] == block[2..] || block[0] == block[1] && block[2] == block[3]
    };
    let same = |at: usize| (0..blocks.len()).any(|other| other != at && blocks[other] == blocks[at]);
    (0..blocks.len()).all(|at| plain(blocks[at]) || same(at))
}

/// Example accounts of the AWS documentation
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html> and others).
const DOCUMENTATION: &[&str] = &[
    "123456789012",
    "111122223333",
    "444455556666",
    "777788889999",
    "555566667777",
    "012345678901",
    "012345678910",
    "123123123123",
    "121212121212",
    "112233445566",
    "111222333444",
    "123456789123",
    "210987654321",
    "210123456789",
    "098765432109",
    "987654321098",
    "987654321012",
    "998877665544",
    "999988887777",
    "666677778888",
    "888899990000",
    "222233334444",
    "333344445555",
    "000011112222",
    "123412341234",
    "101010101010",
    "000000000001",
    "123456123456",
    "234567890123",
    "345678901234",
    "456789012345",
    "567890123456",
    "678901234567",
    "789012345678",
    "890123456789",
    "901234567890",
    "109876543210",
    "111111222222",
    "123456781234",
    "012345678912",
];

/// Publishers: EKS add-on images
/// (<https://docs.aws.amazon.com/eks/latest/userguide/add-ons-images.html>), Elastic Load
/// Balancing log delivery
/// (<https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html>),
/// deep-learning containers
/// (<https://docs.aws.amazon.com/deep-learning-containers/latest/devguide/>), and the owners of
/// public machine images (Amazon, Canonical, Debian, Red Hat, Fedora, SUSE, Rocky, Alma, Windows,
/// ECS, Bottlerocket, FreeBSD, Marketplace), and SageMaker's images of notebooks
/// (<https://docs.aws.amazon.com/sagemaker/latest/dg/notebooks-available-images.html>).
const SERVICES: &[&str] = &[
    "081325390199",
    "429704687514",
    "742091327244",
    "236514542706",
    "559312083959",
    "493642496378",
    "394103062818",
    "806072073708",
    "492261229750",
    "452832661640",
    "102112518831",
    "310906938811",
    "936697816551",
    "470317259841",
    "712779665605",
    "615547856133",
    "243637512696",
    "592751261982",
    "782484402741",
    "117516905037",
    "602401143452",
    "877085696533",
    "800184023465",
    "558608220178",
    "918309763551",
    "961992271922",
    "590381155156",
    "759879836304",
    "900889452093",
    "900612956339",
    "455263428931",
    "066635153087",
    "151742754352",
    "013241004608",
    "296578399912",
    "491585149902",
    "761377655185",
    "151610086707",
    "342652145440",
    "127311923021",
    "033677994240",
    "027434742980",
    "797873946194",
    "098369216593",
    "754344448648",
    "589379963580",
    "718504428378",
    "383597477331",
    "600734575887",
    "114774131450",
    "783225319266",
    "582318560864",
    "985666609251",
    "054676820928",
    "156460612806",
    "652711504416",
    "635631232127",
    "009996457667",
    "897822967062",
    "076674570225",
    "507241528517",
    "048591011584",
    "190560391635",
    "638102146993",
    "037604701340",
    "763104351884",
    "727897471807",
    "626614931356",
    "683313688378",
    "217643126080",
    "520713654638",
    "571004829621",
    "503227376785",
    "914824155844",
    "871362719292",
    "841569659894",
    "099720109477",
    "136693071363",
    "309956199498",
    "125523088429",
    "013907871322",
    "792107900819",
    "764336703387",
    "801119661308",
    "137112412989",
    "591542846629",
    "092701018921",
    "149721548608",
    "782442783595",
    "679593333241",
    "379101102735",
    "647457786197",
    "906394416424",
    "840364872350",
    "464622532012",
    "219670896067",
    "045324592363",
    "328549459982",
    "709825985650",
    "117940112483",
    "895885662937",
    "898082745236",
    "102837901569",
    "594846645681",
    "246618743249",
    "404615174143",
    "174872318107",
    "382416733822",
    "453420244670",
    "174368400705",
];
