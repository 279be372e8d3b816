import type { Attacks } from '../attacks.ts';

export const network: Attacks = {
  'TCP to loopback': '_socket.socket().connect(("127.0.0.1", context["port"])) or True',
  'TCP to a metadata service': ['_socket.socket().connect(("169.254.169.254", 80))', 'depends on the kernel'],
  'TCP by IPv6': ['_socket.socket(socket.AF_INET6)', 'depends on the kernel'],
  listening: '_socket.socket().listen() or True',
  UDP: '_socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", context["port"]))',
  'a raw socket': ['_socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)', 'needs privileges'],
  'packet capture': ['_socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)', 'needs privileges'],
  netlink: '_socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)',
  'the kernel’s crypto': ['_socket.socket(38, socket.SOCK_SEQPACKET, 0)', 'depends on the kernel'],
  'the machine’s host': ['_socket.socket(40)', 'depends on the kernel'],
  'a Unix socket': '_socket.socket(socket.AF_UNIX).connect(context["server"]) or True',
  'an abstract Unix socket': '_socket.socket(socket.AF_UNIX).connect("\\0" + context["abstract"]) or True',
  'the socket that its own connection came by':
    '_socket.socket(socket.AF_UNIX).connect(_socket.socket(fileno=os.dup(3)).getsockname()) or True',
  'a pair of datagram sockets': 'pair(socket.SOCK_DGRAM)',
  'a pair of packet sockets': 'pair(socket.SOCK_SEQPACKET)',
  'another peer for a socket it has': ['pair()[0].connect(context["server"]) or True', 'fails anywhere'],
  'a name for a socket it has': 'pair()[0].bind(context["folder"] + "/new") or True',
  'an option of a socket it has': 'pair()[0].setsockopt(1, 7, 65536) or True',
  'sending a descriptor': 'socket.send_fds(_socket.socket(fileno=os.dup(3)), [b"x"], [0])',
  'receiving descriptors': '(lambda a, b: a.send(b"x") and b.recvmsg(1))(*pair())',
  'out-of-band data': ['(lambda a, b: a.send(b"x", socket.MSG_OOB))(*pair())', 'depends on the kernel'],
  'receiving out-of-band data': [
    '(lambda a, b: a.send(b"x", socket.MSG_OOB) and b.recv(1, socket.MSG_OOB))(*pair())',
    'depends on the kernel',
  ],
  'who is at the other end': '_socket.socket(fileno=os.dup(3)).getsockopt(1, 17, 12)',
  'a descriptor of the process at the other end': [
    '_socket.socket(fileno=os.dup(3)).getsockopt(1, 77, 4)',
    'depends on the kernel',
  ],
};
