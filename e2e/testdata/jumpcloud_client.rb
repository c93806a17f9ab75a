#!/usr/bin/env ruby
# frozen_string_literal: true

# A client that puts requests on the wire, and takes answers off it, the way the published Ruby client of JumpCloud (jcapiv2 3.0.0, and jcapiv1 for the
# older endpoints) does: over Typhoeus, with the content type and what is accepted said twice, once under a String and once under a Symbol, with no
# check of anything but the class of the status and the kind of the body, and lists read as bare arrays.
#
#   ruby jumpcloud_client.rb URL KEY
#
# It reads one call per line, as JSON, and answers each with a line:
#
#   {"call": "bulk_users_create", "body": […], "org": "", "query": {}}   →   {"data": …, "status": 200, "headers": {…}}
#                                                                         or {"error": "ApiError", "status": 400, "body": "…"}

require "json"
require "typhoeus"

# Failure is any answer outside 2xx. Its body is kept as it came.
class Failure < StandardError
  attr_reader :status, :body

  def initialize(status, body)
    super("the server answered #{status}")
    @status = status
    @body = body
  end
end

# Client makes one call after the other.
class Client
  JSON_KIND = %r{application/.*json(?!p)(;.*)?}i

  # What there is: the verb, the path under the base, and whether the answer is a list.
  CALLS = {
    "bulk_users_create"         => [:post, "/api/v2/bulk/users", :model],
    "bulk_users_update"         => [:patch, "/api/v2/bulk/users", :model],
    "bulk_users_create_results" => [:get, "/api/v2/bulk/users/{id}/results", :list],
    "jobs_get"                  => [:get, "/api/v2/jobs/{id}", :model],
    "jobs_results"              => [:get, "/api/v2/jobs/{id}/results", :list],
    "systemusers_list"          => [:get, "/api/systemusers", :model],
    "systemusers_post"          => [:post, "/api/systemusers", :model],
    "systemusers_get"           => [:get, "/api/systemusers/{id}", :model],
    "systemusers_put"           => [:put, "/api/systemusers/{id}", :model],
    "systemusers_delete"        => [:delete, "/api/systemusers/{id}", :model],
    "search_systemusers_post"   => [:post, "/api/search/systemusers", :model]
  }.freeze

  def initialize(url, key)
    @url = url
    @key = key
  end

  def call(name, id: nil, query: {}, body: nil, org: nil)
    verb, path, kind = CALLS.fetch(name)
    path = path.sub("{id}", id.to_s) # as it is: a slash in it stays one
    response = request(verb, path, query, body, org).run
    raise Failure.new(response.code, response.body.to_s.empty? ? response.return_message : response.body) unless response.success?

    { "data" => read(response, kind), "status" => response.code, "headers" => response.headers.to_h }
  end

  private

  def request(verb, path, query, body, org)
    options = {
      method: verb, headers: headers(org), params: query, params_encoding: nil, timeout: 0,
      ssl_verifypeer: true, ssl_verifyhost: 2, sslcert: nil, sslkey: nil, verbose: false
    }
    if %i[post patch put delete].include?(verb)
      options[:body] = body.nil? || body.is_a?(String) ? body : body.to_json
    end
    Typhoeus::Request.new(@url + path, options)
  end

  # The names that stand here twice go out twice.
  def headers(org)
    sent = {
      "Content-Type" => "application/json", "User-Agent" => "Swagger-Codegen/3.0.0/ruby", "Accept" => "application/json",
      "Content-Type": "application/json", "Accept": "application/json"
    }
    sent[:"x-org-id"] = org unless org.nil?
    sent["x-api-key"] = @key
    sent
  end

  def read(response, kind)
    body = response.body
    return nil if body.nil? || body.empty?

    type = response.headers["Content-Type"] || "application/json"
    raise "Content-Type is not supported: #{type}" unless type == "*/*" || JSON_KIND.match?(type)

    data = JSON.parse("[#{body}]", symbolize_names: true)[0]
    return data if data.nil? || kind == :model

    data.map { |row| row.is_a?(Hash) ? row : raise(TypeError, "a row of the list is #{row.class}, so it was no list") }
  end
end

client = Client.new(*ARGV)
$stdout.sync = true
$stdin.each_line do |line|
  asked = JSON.parse(line)
  answer =
    begin
      client.call(asked["call"], id: asked["id"], query: asked["query"] || {}, body: asked["body"], org: asked["org"])
    rescue Failure => e
      { "error" => "ApiError", "status" => e.status, "body" => e.body }
    rescue StandardError => e
      { "error" => e.class.name, "body" => e.message }
    end
  puts JSON.generate(answer)
end
