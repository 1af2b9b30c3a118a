# frozen_string_literal: true

# Prints the states of the link to a Directus server, and the events of a collection:
#
#     DIRECTUS_TOKEN=... ruby follow.rb http://localhost:8055 posts
require 'fiddle/import'
require 'json'

# What is used here of the header. Structs may end early: the rest has its defaults.
module Drt
  extend Fiddle::Importer
  dlload 'libdirectus_realtime.so.0'
  ClientOptions = struct ['size_t struct_size', 'char *url', 'int auth_mode', 'char *access_token',
                          'char *email', 'char *password', 'char *refresh_token', 'int delivery',
                          'int connect_timeout_ms']
  SubscriptionOptions = struct ['size_t struct_size', 'char *collection']
  ErrorInfo = struct ['size_t struct_size', 'int status', 'char *argument', 'char *message']
  extern 'int drt_client_new(void *, void *)'
  extern 'int drt_subscribe(void *, void *, void *, void *, void *, void *, void *)'
  extern 'int drt_client_fd(void *)'
  extern 'int drt_client_next(void *, int, size_t, void *, void *, void *)'
  extern 'int drt_client_close(void *, unsigned int)'
  extern 'int drt_last_error_info(void *)'
  DELIVER_POLL = 1
  STATE_FAILED = 5
  KINDS = %w[init create update delete error].freeze
  FLAG_ENDED = 2

  def self.make(type)
    made = type.malloc(Fiddle::RUBY_FREE)
    made.to_ptr[0, type.size] = "\0" * type.size
    made.struct_size = type.size
    made
  end

  def self.pointer
    Fiddle::Pointer.malloc(Fiddle::SIZEOF_VOIDP, Fiddle::RUBY_FREE)
  end

  def self.check(status)
    return unless status.negative?

    info = make(ErrorInfo)
    drt_last_error_info(info)
    abort info.message.to_s
  end

  # What waits, as rows.
  def self.take(client)
    json, length = pointer, pointer
    check(drt_client_next(client, 0, 0, json, length, nil))
    JSON.parse(json.ptr[0, length[0, length.size].unpack1('J')])
  end
end

def show(row)
  case row
  in [0, _, kind, flags, _, _, _, data, _]
    puts "#{Drt::KINDS[kind]} #{data.to_json}"
    exit 1 if flags.anybits?(Drt::FLAG_ENDED)
  in [1, state, _, message]
    puts message
    exit 1 if state == Drt::STATE_FAILED
  end
end

url, collection, token = [*ARGV, ENV.fetch('DIRECTUS_TOKEN')].map { |text| Fiddle::Pointer[text] }
options = Drt.make(Drt::ClientOptions)
options.url, options.access_token, options.delivery = url, token, Drt::DELIVER_POLL
Drt.check(Drt.drt_client_new(options, client = Drt.pointer))
client = client.ptr
wanted = Drt.make(Drt::SubscriptionOptions)
wanted.collection = collection
Drt.check(Drt.drt_subscribe(client, nil, wanted, nil, nil, nil, nil))
begin
  readable = IO.for_fd(Drt.drt_client_fd(client), autoclose: false)
  Drt.take(client).each { |row| show(row) } while IO.select([readable])
rescue Interrupt
  Drt.drt_client_close(client, 5000)
end
